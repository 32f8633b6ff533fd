"""The demo's item bank: items in both languages in every state, a form that is drawn, and steps of a learning path."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from PIL import Image, ImageDraw, ImageFont

from portal.accounts.people import Person
from portal.certs import exam_forms, items, learning, picturing
from portal.certs.gift_answers import Kind
from portal.certs.item_content import Content, code_of
from portal.certs.models.bank import Difficulty, Ground, ItemVersion
from portal.core import clock, files
from portal.core.db import transaction
from portal.demo.cast import FIRMS
from portal.members import uploads

Who = Callable[[str], Person]
O, M, T = "operators", "memory", "testing"  # noqa: E741 - the topics of the blueprint
# Topic, text and options in both languages; the first option is right.
SINGLES: list[tuple[str, str, str, list[tuple[str, str]]]] = [
    (O, "一个算子的一次并行执行单元通常称为什么？", "What is one parallel unit of execution of an operator usually called?", [("程序实例", "program instance"), ("数据集", "data set"), ("检查点", "checkpoint")]),
    (O, "逐元素加法的每个输出依赖多少个输入元素？", "On how many input elements does each output of an element-wise addition depend?", [("2", "2"), ("1", "1"), ("全部", "all")]),
    (O, "softmax 中先减去最大值是为了什么？", "Why is the maximum subtracted first in softmax?", [("避免溢出", "to avoid overflow"), ("加快收敛", "to converge faster"), ("减少参数", "to have fewer parameters")]),
    (O, "矩阵乘法 (m×k)·(k×n) 需要多少次乘加？", "How many multiply-adds does (m×k)·(k×n) need?", [("m·n·k", "m·n·k"), ("m·n", "m·n"), ("m+n+k", "m+n+k")]),
    (O, "融合两个算子的主要好处是什么？", "What is the main gain of fusing two operators?", [("减少访存", "fewer memory accesses"), ("提高精度", "higher precision"), ("减少输入", "fewer inputs")]),
    (O, "掩码加载的作用是什么？", "What is a masked load for?", [("避免越界访问", "to stay within the bounds"), ("加密数据", "to encrypt data"), ("压缩权重", "to compress weights")]),
    (O, "归约算子的输出形状与输入相比如何？", "How does the output shape of a reduction compare with its input?", [("少一个或多个维度", "it lacks one or more dimensions"), ("完全相同", "it is the same"), ("总是标量", "it is always a scalar")]),
    (O, "自动调优搜索的对象是什么？", "What does autotuning search for?", [("分块大小等配置", "settings such as block sizes"), ("训练数据", "training data"), ("随机种子", "random seeds")]),
    (O, "下列哪项适合用原子操作？", "Which of these calls for an atomic operation?", [("多个线程累加同一地址", "many threads add to one address"), ("只读查表", "reading a table"), ("逐元素乘法", "element-wise multiplication")]),
    (M, "连续线程访问连续地址称为什么？", "What is it called when neighbouring threads read neighbouring addresses?", [("合并访问", "coalesced access"), ("缺页", "a page fault"), ("回写", "write-back")]),
    (M, "一个 fp16 数占几个字节？", "How many bytes does one fp16 number take?", [("2", "2"), ("4", "4"), ("1", "1")]),
    (M, "行主序的 m×n 矩阵中，(i, j) 的偏移是多少？", "What is the offset of (i, j) in a row-major m×n matrix?", [("i·n + j", "i·n + j"), ("j·m + i", "j·m + i"), ("i + j", "i + j")]),
    (M, "分块的主要目的是什么？", "What is tiling mainly for?", [("在片上存储中重复使用数据", "to reuse data in on-chip memory"), ("减少代码行数", "to write fewer lines"), ("便于调试", "to debug more easily")]),
    (M, "算术强度的单位是什么？", "What is the unit of arithmetic intensity?", [("运算次数/字节", "operations per byte"), ("字节/秒", "bytes per second"), ("瓦", "watt")]),
    (M, "下列哪种存储通常最快？", "Which of these is usually fastest?", [("寄存器", "registers"), ("显存", "device memory"), ("主机内存", "host memory")]),
    (M, "转置一个矩阵最可能受限于什么？", "What most likely limits a transpose?", [("带宽", "bandwidth"), ("算力", "compute"), ("磁盘", "disk")]),
    (T, "比较浮点结果应使用什么？", "How are floating-point results compared?", [("误差容限", "with a tolerance"), ("逐位相等", "bit for bit"), ("目测", "by eye")]),
    (T, "测试形状应包含哪些？", "Which shapes belong into a test?", [("不能整除分块的形状", "shapes that no block divides"), ("只有 2 的幂", "powers of two only"), ("只有 1×1", "1×1 only")]),
    (T, "bf16 与 fp16 相比的特点是什么？", "How does bf16 differ from fp16?", [("范围更大、精度更低", "wider range, less precision"), ("范围更小、精度更高", "narrower range, more precision"), ("没有区别", "it does not")]),
    (T, "梯度检查使用什么方法？", "What does a gradient check use?", [("有限差分", "finite differences"), ("排序", "sorting"), ("压缩", "compression")]),
    (T, "参考实现应具备什么？", "What matters most in a reference implementation?", [("明显正确", "that it is plainly right"), ("最快", "that it is fastest"), ("最短", "that it is shortest")]),
    (T, "测试发现偶发差异，首先怀疑什么？", "A test fails now and then. What is suspected first?", [("竞态或未初始化内存", "a race or uninitialised memory"), ("时区", "the time zone"), ("文件名", "the file name")]),
    (T, "随机测试为何要固定种子？", "Why do random tests fix their seed?", [("以便重现失败", "to see a failure again"), ("以便更快", "to be faster"), ("以便更随机", "to be more random")]),
]  # fmt: skip


TASKS = [
    ("task-softmax", "实现按行 softmax 算子，支持 float16 与 float32 及任意列数；附测试与性能数据，并说明分块大小的取舍。",
     "Write a row-wise softmax for float16 and float32 and any number of columns, with tests, timings, and why you chose your block sizes."),
    ("task-layernorm", "实现 layer norm 的前向与反向算子；附梯度检查与性能数据，并说明数值稳定性的处理。",
     "Write layer norm, forward and backward, with a gradient check, timings, and how you keep it numerically stable."),
]  # fmt: skip


def _content(zh: str, en: str, options: list[tuple[str, str]], kind: Kind = Kind.SINGLE) -> Content:
    # Nothing is gained by learning that the first is right: forms shuffle them.
    rows = [
        {"code": code_of(n), "text": {"zh": one, "en": other}, "weight": "0" if n else "1", "feedback": {}, "pinned": False}
        for n, (one, other) in enumerate(options)
    ]  # fmt: skip
    return Content(kind, {"zh": zh, "en": en}, options=rows)


def _written(who: Who, key: str, topic: str, content: Content) -> ItemVersion:
    item = items.begin("OPDEV", key, by=who("author"), topic=topic)
    return items.write(
        item, content, by=who("author"), reference="算子接口指南 / Guide to operator interfaces"
    )


def _approved(who: Who, version: ItemVersion) -> None:
    items.submit(version, by=who("author"))
    items.review(version, by=who("itemcheck"), approved=True, ticked=list(items.CHECKS), comments={})


def _bank(who: Who) -> None:
    for n, (topic, zh, en, options) in enumerate(SINGLES, 1):
        version = _written(who, f"{topic}-{n:02d}", topic, _content(zh, en, options))
        _approved(who, version)
        rating = f"0.{55 + n % 30}"
        items.take_into_use(version, by=who("chief"), ground=Ground.ANGOFF, rating=rating)
    number = Content(
        Kind.NUMERIC, {"zh": "1024 个 fp32 数占多少字节？", "en": "How many bytes do 1024 fp32 numbers take?"},
        numbers=[{"value": "4096", "tolerance": "0", "weight": "1"}],
    )  # fmt: skip
    _approved(who, _written(who, "memory-bytes", M, number))
    _tasks(who)
    waiting = _content("哪种数据布局便于按通道访问？", "Which layout eases access by channel?", [("NCHW", "NCHW"), ("NHWC", "NHWC")])  # fmt: skip
    version = _written(who, "memory-layout", M, waiting)
    items.submit(version, by=who("author"))
    back = _written(who, "testing-shape", T, _content("边界测试的意义？", "Why test borders?", [("易错", "errors live there"), ("好看", "it looks good")]))  # fmt: skip
    items.submit(back, by=who("author"))
    items.review(back, by=who("itemcheck"), approved=False, ticked=["key"], comments={"options": "The second option is no serious distractor."})  # fmt: skip


def _tasks(who: Who) -> None:
    """Write the practical tasks that a candidate may draw."""
    for key, zh, en in TASKS:
        item = items.begin("OPDEV", key, by=who("author"))
        version = items.write(item, Content(Kind.PRACTICAL, {"zh": zh, "en": en}), by=who("author"))
        _approved(who, version)
        items.take_into_use(version, by=who("chief"), ground=Ground.ANGOFF, rating="0.6")


# Throughput by block size as the picture shows it: the first bar is too small a block, the last one spills.
BARS = [(32, 41), (64, 78), (128, 96), (256, 63)]


def _chart() -> uploads.Picture:
    """Return a bar chart that is drawn here: throughput of an operator by its block size."""
    image = Image.new("RGB", (900, 520), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    pen.text((30, 16), "GB/s", fill="#1d2127", font=font)
    for share in (25, 50, 75, 100):
        y = 440 - share * 3.6
        pen.line((80, y, 870, y), fill="#d9d5cb", width=2)
        pen.text((68, y), str(share * 10), fill="#545a63", font=font, anchor="rm")
    for n, (block, share) in enumerate(BARS):
        x = 130 + n * 190
        pen.rectangle((x, 440 - share * 3.6, x + 110, 440), fill="#2f5d8c", outline="#1d2127", width=3)
        pen.text((x + 55, 470), f"BLOCK {block}", fill="#1d2127", font=font, anchor="mm")
    pen.line((80, 440, 870, 440), fill="#1d2127", width=4)
    out = io.BytesIO()
    image.save(out, "PNG")
    return uploads.drawn_anew(out.getvalue(), "image/png", 2000)


CHART = (
    "柱状图：某算子在四种分块大小下的吞吐量。分块 32 约 410 GB/s，64 约 780 GB/s，128 约 960 GB/s，256 约 630 GB/s。",
    "Bar chart: throughput of an operator at four block sizes. Block 32 about 410 GB/s, 64 about 780 GB/s, 128 about 960 GB/s, 256 about 630 GB/s.",
)  # fmt: skip


def _pictured(who: Who, chart: tuple[uploads.Picture, files.Content]) -> None:
    """Write items that ask about a picture: one in use, one that waits for review, one whose mark is still lacking."""
    texts = [
        ("memory-throughput", "下图是同一算子在四种分块大小下的吞吐量。\n[[picture:1]]\n256 时吞吐量下降，最可能的原因是什么？",
         "The chart shows the throughput of one operator at four block sizes.\n[[picture:1]]\nWhat most likely makes it fall at 256?",
         [("寄存器溢出，占用率下降", "registers spill, and occupancy falls"), ("时钟频率降低", "a lower clock"), ("数据类型变宽", "a wider data type")]),
        ("memory-best-block", "根据下图，应首先选择哪个分块大小？\n[[picture:1]]", "Which block size does the chart speak for first?\n[[picture:1]]",
         [("128", "128"), ("64", "64"), ("256", "256")]),
        ("memory-chart-draft", "吞吐量从哪个分块大小开始下降？", "From which block size on does the throughput fall?",
         [("256", "256"), ("128", "128"), ("64", "64")]),
    ]  # fmt: skip
    made = []
    for key, zh, en, options in texts:
        version = _written(who, key, M, _content(zh, en, options))
        picturing.add(version.item, chart[1], chart[0], zh=CHART[0], en=CHART[1], by=who("author"))
        made.append(version)
    _approved(who, made[0])
    items.take_into_use(made[0], by=who("chief"), ground=Ground.ANGOFF, rating="0.6")
    items.tag(
        made[0].item, by=who("author"), topic=M, difficulty=Difficulty.MEDIUM, chip="", tool="", anchor=True
    )  # every candidate of the demo meets it
    items.submit(made[1], by=who("author"))


def fill(who: Who, today: date) -> None:
    """Fill the bank of the first level, draw a fixed form, and let somebody walk a part of the path."""
    picture = _chart()
    chart = picture, files.put(picture.data, picture.media_type)
    with clock.stopped_at(today - timedelta(days=60)), transaction():
        _bank(who)
        _pictured(who, chart)
    with clock.stopped_at(today - timedelta(days=50)), transaction():
        exam_forms.draw_form(
            "OPDEV", "written", candidate=None, by=who("chief"), called="2026 A", random=Random(7)
        )
    with clock.stopped_at(today - timedelta(days=9)), transaction():
        learner = who(FIRMS[0].site)
        done = learning.declare(learner, "opdev.practice", by=learner, evidence="在公司负责加速卡算子库，参与十余个算子的开发与评审。", link="", done_on=None)  # fmt: skip
        learning.confirm(done, by=who("certs"))
        learning.declare(learner, "opdev.exercises", by=learner, evidence="全部练习及测试", link="https://git.example/galaxy/exercises", done_on=None)  # fmt: skip
