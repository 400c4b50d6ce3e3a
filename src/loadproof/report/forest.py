"""A difference as a mark and a line on a strip: where it lies against its margin."""

from xml.etree import ElementTree

from loadproof.model.comparison import Contrast

WIDTH, HEIGHT = 240, 22
REACH = 5.0
"""How many margins the strip shows to each side of no difference."""


def forest_svg(contrast: Contrast) -> str:
    """The strip of one contrast; to the right is worse. Empty without a margin or a difference.

    One margin is as wide in every strip, so that differences of all metrics can be read in one
    look. What lies beyond the strip ends in an arrow.
    """
    if not contrast.margin or contrast.difference is None:
        return ""
    svg = ElementTree.Element(
        "svg", {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "class": "strip", "role": "img"}
    )
    ElementTree.SubElement(svg, "title").text = contrast.reason
    left, right = _x(-1.0), _x(1.0)
    _add(svg, "rect", "within", x=left, y=2, width=right - left, height=HEIGHT - 4)
    _add(svg, "line", "none-line", x1=_x(0), x2=_x(0), y1=0, y2=HEIGHT)
    sign = 1.0 if contrast.lower_is_better else -1.0
    bounds = (contrast.low, contrast.high)
    ends = [None if bound is None else sign * bound / contrast.margin for bound in bounds]
    low, high = ends if sign > 0 else ends[::-1]
    group = ElementTree.SubElement(svg, "g", {"class": f"mark {contrast.change}"})
    from_x = _x(-REACH if low is None else low)
    to_x = _x(REACH if high is None else high)
    middle = HEIGHT / 2
    _add(group, "line", "reach", x1=from_x, x2=to_x, y1=middle, y2=middle)
    if low is None or low < -REACH:
        _arrow(group, from_x, -1)
    if high is None or high > REACH:
        _arrow(group, to_x, 1)
    at = sign * contrast.difference / contrast.margin
    if abs(at) <= REACH:
        _add(group, "circle", "dot", cx=_x(at), cy=middle, r=4)
    return ElementTree.tostring(svg, encoding="unicode")


def _x(margins: float) -> float:
    """Pixels from the left of so many margins, kept on the strip."""
    kept = min(max(margins, -REACH), REACH)
    return round(WIDTH / 2 + kept / REACH * (WIDTH / 2 - 10), 1)


def _arrow(parent: ElementTree.Element, x: float, way: int) -> None:
    middle = HEIGHT / 2
    tip = f"{x + 7 * way},{middle} {x},{middle - 4} {x},{middle + 4}"
    ElementTree.SubElement(parent, "polygon", {"class": "arrow", "points": tip})


def _add(parent: ElementTree.Element, tag: str, style: str, **numbers: float) -> None:
    attributes = {name: f"{number:g}" for name, number in numbers.items()}
    ElementTree.SubElement(parent, tag, {"class": style, **attributes})
