"""The cast of the demo: invented staff, and invented companies with how far each came."""

from __future__ import annotations

from typing import NamedTuple

from portal.accounts.may import StaffRole
from portal.accounts.registration import inner_check

PASSWORD = "lanterns over seven quiet rivers"  # noqa: S105 - printed for everybody, works in the demo only
STAFF = [
    ("rui", "芮敏", StaffRole.REVIEWER, "zh_Hans_CN"),
    ("rui2", "Ravi Anand", StaffRole.REVIEWER, "en"),
    ("legal", "方律", StaffRole.LEGAL, "zh_Hans_CN"),
    ("finance", "高云", StaffRole.FINANCE, "zh_Hans_CN"),
    ("finance2", "Flora Diaz", StaffRole.FINANCE, "en"),
    ("committee", "江一帆", StaffRole.COMMITTEE, "zh_Hans_CN"),
    ("director", "戴博", StaffRole.DIRECTOR, "zh_Hans_CN"),
    ("secretary", "Sara Lind", StaffRole.SECRETARY, "en"),
    ("signer", "程越", StaffRole.COUNTER_SIGNER, "zh_Hans_CN"),
    ("executive", "Erik Holm", StaffRole.EXECUTIVE, "en"),
    ("auditor", "安静", StaffRole.AUDITOR, "zh_Hans_CN"),
    ("admin", "Ada Novak", StaffRole.ADMINISTRATOR, "en"),
    ("certs", "岑然", StaffRole.CERTIFICATION, "zh_Hans_CN"),
    ("certs2", "Clara Weiss", StaffRole.CERTIFICATION, "en"),
    ("author", "欧阳书", StaffRole.AUTHOR, "zh_Hans_CN"),
    ("itemcheck", "Ivan Petrov", StaffRole.ITEM_REVIEWER, "en"),
    ("chief", "迟远", StaffRole.CHIEF_EXAMINER, "zh_Hans_CN"),
    ("proctor", "柯宁", StaffRole.PROCTOR, "zh_Hans_CN"),
    ("grader", "葛明", StaffRole.GRADER, "zh_Hans_CN"),
    ("grader2", "Grace Okafor", StaffRole.GRADER, "en"),
    ("grader3", "郭静", StaffRole.GRADER, "zh_Hans_CN"),
    ("community", "Mateo Ruiz", StaffRole.COMMUNITY_REVIEWER, "en"),
    ("community2", "苗青", StaffRole.COMMUNITY_REVIEWER, "zh_Hans_CN"),
    ("decider", "邓宁", StaffRole.DECIDER, "zh_Hans_CN"),
    ("decider2", "Dora Klein", StaffRole.DECIDER, "en"),
    ("panel", "Paula Stein", StaffRole.APPEAL_PANEL, "en"),
    ("panel2", "潘越", StaffRole.APPEAL_PANEL, "zh_Hans_CN"),
    ("agent", "艾文", StaffRole.SUPPORT_AGENT, "zh_Hans_CN"),
    ("agent2", "Agnes Moreau", StaffRole.SUPPORT_AGENT, "en"),
    ("supportlead", "雷鸣", StaffRole.SUPPORT_LEAD, "zh_Hans_CN"),
    ("servicelead", "Linnea Berg", StaffRole.SERVICE_LEAD, "en"),
    ("servicemanager", "满江", StaffRole.SERVICE_MANAGER, "zh_Hans_CN"),
    ("board", "Beatrix Lang", StaffRole.BOARD, "en"),
    ("moderator", "莫问", StaffRole.JOB_MODERATOR, "zh_Hans_CN"),
    ("moderator2", "Mona Fischer", StaffRole.JOB_MODERATOR, "en"),
]
# Hired today: who marks anew after an appeal marked nothing before.
NEWCOMERS = [
    ("grader4", "Gabriel Mensah", StaffRole.GRADER, "en"),
    ("grader5", "谷雨", StaffRole.GRADER, "zh_Hans_CN"),
]


class Firm(NamedTuple):
    """An invented company: names, site, kind, tier, days ago of its application, how far it came."""

    zh: str
    en: str
    site: str
    category: str
    tier: str
    days_ago: int
    stage: str = "member"


FIRMS = [
    Firm("星河芯片有限公司", "Galaxy Chips", "galaxy-chips", "chip", "platinum", 300, "founder"),
    Firm("北辰算力科技有限公司", "Polaris Compute", "polaris-compute", "server", "platinum", 280, "founder"),
    Firm("青禾大模型有限公司", "Qinghe Models", "qinghe-models", "model", "gold", 262, "founder"),
    Firm("云杉软件有限公司", "Spruce Software", "spruce-software", "software", "gold", 240),
    Firm("海图智能科技有限公司", "Seachart AI", "seachart-ai", "software", "silver", 221),
    Firm("示例理工大学", "Example Institute of Technology", "example-tech-edu", "university", "silver", 205),
    Firm("远山集成有限公司", "Farhill Integration", "farhill", "integrator", "silver", 180),
    Firm("流光半导体有限公司", "Lumenflow Semiconductor", "lumenflow", "chip", "gold", 150),
    Firm("墨泉科技有限公司", "Inkspring", "inkspring", "software", "startup", 120),
    Firm("白石服务器有限公司", "Whitestone Servers", "whitestone", "server", "silver", 90),
    Firm("晨曦模型有限公司", "Dawn Models", "dawn-models", "model", "startup", 60),
    Firm("长风芯片有限公司", "Longwind Chips", "longwind", "chip", "platinum", 40, "approved"),
    Firm("听松软件有限公司", "Pinesong Software", "pinesong", "software", "silver", 25, "signed"),
    Firm("野火集成有限公司", "Wildfire Integration", "wildfire", "integrator", "gold", 18, "returned"),
    Firm("砚台智能有限公司", "Inkstone AI", "inkstone", "software", "startup", 12, "rejected"),
    Firm("云上大学", "Cloud University", "cloud-university", "university", "silver", 8, "recommended"),
    Firm("赤壁算力有限公司", "Redcliff Compute", "redcliff", "server", "gold", 3, "submitted"),
]


def credit_code(n: int) -> str:
    """Return a well-formed, invented credit code (GB 32100-2015 with its inner GB 11714 check)."""
    body = f"MAD{n:05d}"
    first = "91110108" + body + inner_check(body)
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(letters.index(char) * pow(3, i, 31) for i, char in enumerate(first))
    return first + letters[(31 - total % 31) % 31]
