"""What the demo shows of the knowledge base: answers that everybody may read, and one that waits for its second reader."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from portal.accounts.people import Person
from portal.core import clock
from portal.core.db import transaction
from portal.services.support import knowledge

PUBLISHED = (
    (
        16,
        "Matrix products differ from the reference on FP16",
        "矩阵乘算子在 FP16 下与参考结果有偏差",
        "Release 2.4.0 accumulates in half precision by default.\n\n1. Upgrade to **2.4.1** or later.\n"
        "2. Or set `fast_accumulate = false` for the operators concerned.\n\nRun the accuracy suite again afterwards.",
        "2.4.0 版本默认开启半精度快速累加。\n\n1. 升级到 **2.4.1** 或更高版本；\n2. 或对相关算子设置 `fast_accumulate = false`。\n\n"
        "之后请重新运行精度测试。",
    ),
    (
        9,
        "The build stops with an unknown compiler flag",
        "编译时提示未知的编译选项",
        "The toolchain file belongs to an older release. Take the one of your release and remove the build folder:\n\n"
        "```\nrm -r build\ncmake -B build -DCMAKE_TOOLCHAIN_FILE=toolchain.cmake\n```",
        "所用的工具链文件属于旧版本。请换用当前版本的文件，并删除构建目录后重新编译：\n\n"
        "```\nrm -r build\ncmake -B build -DCMAKE_TOOLCHAIN_FILE=toolchain.cmake\n```",
    ),
)
DRAFT = (
    "Training stops with a time-out of all-reduce",
    "训练过程中 all-reduce 超时",
    "Check the firmware of the network cards first; a list of tested versions stands in the release notes.",
    "请先检查网卡固件版本；经过测试的版本见发布说明。",
)


def _texts(title_en: str, title_zh: str, body_en: str, body_zh: str) -> dict[str, str]:
    return {"title_en": title_en, "title_zh": title_zh, "body_en": body_en, "body_zh": body_zh}


def fill(who: Callable[[str], Person], today: date) -> None:
    """Let agents write, and others publish."""
    for days, *texts in PUBLISHED:
        with clock.stopped_at(today - timedelta(days=days)), transaction():
            row = knowledge.write(None, _texts(*texts), by=who("agent"))
            knowledge.publish(row, by=who("agent2"))
    with clock.stopped_at(today - timedelta(days=1)), transaction():
        knowledge.write(None, _texts(*DRAFT), by=who("agent2"))
