"""Running text for answers that have no right or wrong, in English and Chinese.

The sentences are about nothing in particular, so that they pass as an answer to most questions;
what matters of them is their length and that they look like language to whatever reads them.
"""

import math
import random

from loadproof.servers.simulator.pieces import split

_SPREAD = 0.45
"""Sigma of the log-normal length: 5 % of the answers are longer than 1.9 times the mean."""

_OPENINGS = {
    "en": (
        "That depends on a few things, so let me go through them.",
        "Good question, and there is a practical answer to it.",
        "Here is how I would think about it.",
        "In short: start small, and look at what happens.",
        "Let me begin with the part that matters most.",
        "There are two or three ways to see this.",
    ),
    "zh": (
        "这要看具体情况，我们一步一步来说。",
        "这个问题很好，有一个比较实用的办法。",
        "我会先从最重要的一点说起。",
        "简单来说，可以从小处开始，再看效果。",
        "这件事可以从两三个方面来看。",
        "先说结论，再说理由。",
    ),
}

_SENTENCES = {
    "en": (
        "First, write down what you already have and what you still need.",
        "Most people notice a difference after a week or two.",
        "It helps to change one thing at a time, because then you know what worked.",
        "A short list on paper is often better than a clever plan in your head.",
        "If the weather changes, keep a second option ready.",
        "The cost is usually lower than it seems at first, once you count the time you save.",
        "Ask somebody who has done it before; ten minutes of talk can spare you a day.",
        "Small steps add up, and they are easier to keep going.",
        "Of course there are exceptions, and yours may be one of them.",
        "The reason is simple: heat always flows from the warmer side to the colder one.",
        "You can check this yourself by comparing the numbers before and after.",
        "Leave some room for surprises, since hardly anything goes exactly as planned.",
        "For a first attempt, use what is in the kitchen and keep the portions small.",
        "When in doubt, choose the option that is easy to undo.",
        "A good rule is to spend twice as long on preparing as on the work itself.",
        "What counts in the end is whether it still works on a busy day.",
        "Put the important point at the beginning, and the details after it.",
        "Older advice on this is often outdated, so look at the date as well.",
    ),
    "zh": (
        "首先，把已经有的和还缺少的都写下来。",
        "大多数人在一两个星期之后就能看到变化。",
        "一次只改变一件事，这样才知道是什么起了作用。",
        "写在纸上的短清单，往往比脑子里的完美计划更有用。",
        "如果天气有变化，最好准备一个备用的方案。",
        "算上节省下来的时间，花费通常没有看起来那么高。",
        "可以请教做过的人，十分钟的交谈也许能省下一整天。",
        "一点一点地积累，比一次做完更容易坚持。",
        "当然也有例外，你的情况可能正好就是其中之一。",
        "原因其实很简单，热量总是从温度高的地方流向温度低的地方。",
        "你可以比较前后的数字，自己验证一下。",
        "计划里要留一点余地，因为很少有事情会完全按照预想发生。",
        "第一次尝试的时候，用家里现有的材料就可以了。",
        "拿不定主意时，选择容易撤回的那一个。",
        "准备的时间可以比动手的时间多一倍，这样更稳妥。",
        "最后还要看在忙碌的日子里能不能坚持下去。",
        "把重要的话放在开头，细节放在后面。",
        "网上的一些说法已经过时了，看的时候要注意日期。",
    ),
}

_THOUGHTS = {
    "en": (
        "Okay, let me see what is being asked here.",
        "The question gives me a few facts, and I should use all of them.",
        "Let me check this against what I know.",
        "Wait, I should make sure that I am not missing anything.",
        "Going through it again, the first idea still looks right.",
        "One alternative would be the opposite, but that does not fit.",
        "So I can rule that out.",
        "Let me put this together into a clear answer.",
    ),
    "zh": (
        "好的，先看看题目问的是什么。",
        "题目给出了几个条件，应该都要用到。",
        "让我对照已有的知识检查一下。",
        "等一下，要确认没有漏掉什么。",
        "再想一遍，最初的想法看起来还是对的。",
        "另一种可能正好相反，但是与条件不符。",
        "所以可以把它排除。",
        "现在把这些整理成清楚的回答。",
    ),
}


def drawn_length(mean_tokens: int, chance: random.Random) -> int:
    """A length from a log-normal distribution with this mean; at least 1."""
    mu = math.log(mean_tokens) - _SPREAD**2 / 2
    return max(1, round(chance.lognormvariate(mu, _SPREAD)))


def chat_answer(language: str, tokens: int, chance: random.Random) -> str:
    """An answer of about `tokens` pieces, in whole sentences and at least one of them."""
    opening = chance.choice(_OPENINGS[language])
    return _running_text(language, opening, _SENTENCES[language], tokens, chance)


def thinking(language: str, tokens: int, chance: random.Random) -> str:
    """Thinking of about `tokens` pieces, in whole sentences."""
    thoughts = _THOUGHTS[language]
    return _running_text(language, thoughts[0], thoughts[1:], tokens, chance)


def _running_text(
    language: str, opening: str, sentences: tuple[str, ...], tokens: int, chance: random.Random
) -> str:
    """Sentences without an immediate repetition, ended where the length is nearest to `tokens`."""
    separator = " " if language == "en" else ""
    chosen = [opening]
    length = len(split(opening))
    order: list[str] = []
    while True:
        if not order:
            order = chance.sample(sentences, len(sentences))
        sentence = order.pop()
        more = len(split(sentence))
        if length + more / 2 >= tokens:
            return separator.join(chosen)
        chosen.append(sentence)
        length += more
