"""Emphasis in Chinese, Japanese and Korean, where no space stands beside the marks.

By CommonMark `**“你好”**然后` keeps its asterisks: after punctuation a closing mark needs a space
or punctuation behind it. The CJK-friendly amendments to CommonMark let a CJK character stand in for
it, and take CJK punctuation for a letter. `chat/static/chat/js/emphasis.js` is the same rule.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType

# East Asian Width W, F or H, and Hangul; without emoji.
CJK = re.compile(
    "[\u1100-\u11ff\u20a9\u2329\u232a\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff"
    "\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uffef"
    "\U00016fe0-\U00018dff\U0001aff0-\U0001b2ff\U00020000-\U0003fffd]"
)
# They choose a form of the character before them, which is the one that counts.
VARIATION = re.compile("[\ufe00-\ufe0e\U000e0100-\U000e01ef]")


class CjkFriendlyState(StateInline):
    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:
        """Whether the marks at `start` can open and close, and how many they are."""
        mark, end = self.src[start], start
        while end < self.posMax and self.src[end] == mark:
            end += 1
        before = self.src[start - 1] if start else " "
        after = self.src[end] if end < self.posMax else " "
        base = self.src[start - 2] if start > 1 and VARIATION.match(before) else before
        cjk_before, cjk_after = bool(CJK.match(base)), bool(CJK.match(after))
        space_before, space_after = isWhiteSpace(ord(before)), isWhiteSpace(ord(after))
        mark_before, mark_after = _is_punctuation(before), _is_punctuation(after)
        foreign_before, foreign_after = mark_before and not cjk_before, mark_after and not cjk_after
        left = not space_after and (
            not foreign_after or space_before or foreign_before or cjk_before
        )
        right = not space_before and (
            not foreign_before or space_after or foreign_after or cjk_after
        )
        return Scanned(
            left and (canSplitWord or not right or mark_before),
            right and (canSplitWord or not left or mark_after),
            end - start,
        )


class CjkFriendlyInline(ParserInline):
    """The inline parser on the state above."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = CjkFriendlyState(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _is_punctuation(char: str) -> bool:
    return isMdAsciiPunct(ord(char)) or isPunctChar(char)
