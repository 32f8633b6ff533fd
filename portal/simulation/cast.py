"""The invented cast: staff of the foundation, organisations with their names and well-formed credit codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from portal.accounts.may import StaffRole
from portal.accounts.registration import inner_check

STAFF = {
    "reviewer": ("Rui Min", StaffRole.REVIEWER),
    "checker": ("Ravi Anand", StaffRole.REVIEWER),
    "legal": ("Fang Lü", StaffRole.LEGAL),
    "finance": ("Gao Yun", StaffRole.FINANCE),
    "finance2": ("Flora Diaz", StaffRole.FINANCE),
    "director": ("Dai Bo", StaffRole.DIRECTOR),
    "secretary": ("Sara Lind", StaffRole.SECRETARY),
    "signer": ("Cheng Yue", StaffRole.COUNTER_SIGNER),
}
FIRST = (
    ("Amber", "琥珀"), ("Azure", "蔚蓝"), ("Bamboo", "青竹"), ("Birch", "白桦"), ("Cedar", "雪松"), ("Cloud", "云起"),
    ("Copper", "赤铜"), ("Coral", "珊瑚"), ("Crane", "白鹤"), ("Crystal", "水晶"), ("Dawn", "晨曦"), ("Delta", "江汀"),
    ("Eagle", "鸿鹰"), ("Ember", "星火"), ("Falcon", "云隼"), ("Fern", "蕨野"), ("Forest", "林海"), ("Frost", "霜华"),
    ("Garnet", "石榴"), ("Glacier", "冰川"), ("Golden", "金穗"), ("Granite", "磐石"), ("Heron", "苍鹭"), ("Indigo", "靛青"),
    ("Iron", "玄铁"), ("Jade", "碧玉"), ("Juniper", "杜松"), ("Lark", "云雀"), ("Lotus", "芙蕖"), ("Maple", "红枫"),
    ("Meadow", "芳甸"), ("Misty", "烟雨"), ("Northern", "北辰"), ("Opal", "月石"), ("Orchid", "幽兰"), ("Pearl", "明珠"),
    ("Pine", "听松"), ("Quartz", "石英"), ("River", "长河"), ("Silver", "银汉"),
)  # fmt: skip
SECOND = (
    ("Anchor", "锚泊"), ("Arc", "弧光"), ("Beacon", "灯塔"), ("Bridge", "虹桥"), ("Canyon", "峡谷"), ("Compass", "罗盘"),
    ("Crest", "峰顶"), ("Field", "原野"), ("Forge", "锻坊"), ("Gate", "天门"), ("Grove", "林苑"), ("Harbour", "港湾"),
    ("Haven", "桃源"), ("Hill", "山丘"), ("Horizon", "天际"), ("Island", "海岛"), ("Lake", "湖畔"), ("Lantern", "灯笼"),
    ("Lens", "明镜"), ("Mill", "水磨"), ("Mirror", "镜湖"), ("Moon", "月影"), ("Path", "路径"), ("Peak", "群峰"),
    ("Point", "基点"), ("Pool", "深潭"), ("Reef", "礁石"), ("Ridge", "山脊"), ("Rock", "岩石"), ("Sail", "远帆"),
    ("Shore", "海岸"), ("Sky", "长空"), ("Spark", "火花"), ("Spring", "清泉"), ("Star", "星辰"), ("Stone", "砚石"),
    ("Summit", "绝顶"), ("Tide", "潮汐"), ("Tower", "高塔"), ("Valley", "幽谷"),
)  # fmt: skip
LAST = (("Systems", "系统"), ("Labs", "实验"), ("Works", "工坊"), ("Data", "数据"))
LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(slots=True)
class Firm:
    """An invented organisation, and what the simulation remembers of it between its acts."""

    n: int
    seed: int
    en: str
    zh: str
    category: str
    tier: str
    org_id: int = 0
    membership_id: int = 0
    owner_id: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def site(self) -> str:
        """Return the domain of its pages and mail."""
        return f"{self.en.lower().replace(' ', '-')}.example"

    @property
    def language(self) -> str:
        """Return the language in which its people read."""
        return "zh_Hans_CN" if self.n % 3 else "en"

    def dice(self, what: str) -> Random:
        """Return the chance of one decision: it hangs on nothing but seed, organisation and what is decided."""
        return Random(f"{self.seed}:{self.n}:{what}")

    def next(self, what: str) -> Random:
        """Return the chance of the next decision of a kind."""
        self.counts[what] = self.counts.get(what, 0) + 1
        return self.dice(f"{what}:{self.counts[what]}")


def named(n: int) -> tuple[str, str]:
    """Return an English and a Chinese name that no other number has."""
    # 7 is prime to 40: neighbours sound unlike each other, and each of the 6 400 numbers has its own name.
    first, rest = FIRST[n * 7 % len(FIRST)], n // len(FIRST)
    second, last = SECOND[(rest * 11 + n) % len(SECOND)], LAST[rest // len(SECOND) % len(LAST)]
    return f"{first[0]} {second[0]} {last[0]}", f"{first[1]}{second[1]}{last[1]}"


def credit_code(n: int) -> str:
    """Return a well-formed, invented credit code (GB 32100-2015 with its inner GB 11714 check)."""
    body = f"MAE{n:05d}"
    first = "91110108" + body + inner_check(body)
    total = sum(LETTERS.index(char) * pow(3, i, 31) for i, char in enumerate(first))
    return first + LETTERS[(31 - total % 31) % 31]
