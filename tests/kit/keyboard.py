"""Whether a page works by keyboard alone: every stop can be reached, in order, is seen to be there, and can be left."""

from itertools import groupby
from typing import Any, Final

from playwright.async_api import Page

MANY: Final = 150
"""More stops than that are not pressed through."""
FIND: Final = """() => {
  const wanted = 'a[href], button, input, select, textarea, summary, [tabindex]';
  document.querySelectorAll('details').forEach(one => one.open = true);
  const shown = e => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({visibilityProperty: true});
  window.stops = [...document.querySelectorAll(wanted)].filter(shown);
  window.walked = [];
  document.addEventListener('focusin', e => window.walked.push(window.stops.indexOf(e.target)));
  const look = e => {
    const own = getComputedStyle(e), of = s => [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow,
        s.backgroundColor, s.borderColor, s.color, s.textDecorationLine, s.clip, s.position].join();
    const label = e.labels && e.labels[0] ? of(getComputedStyle(e.labels[0], '::before')) : '';
    return of(own) + label;
  };
  const unseen = [];
  for (const stop of window.stops) {
    const before = look(stop);
    stop.focus({focusVisible: true, preventScroll: true});
    if (document.activeElement === stop && look(stop) === before) unseen.push(stop.outerHTML.slice(0, 120));
    stop.blur();
  }
  // From here the keyboard sets out: not from where the last stop was.
  const begin = document.createElement('span');
  begin.tabIndex = -1;
  document.body.prepend(begin);
  begin.focus({preventScroll: true});
  begin.remove();
  window.walked.length = 0;
  const group = e => e.type === 'radio' ? `${e.form ? [...document.forms].indexOf(e.form) : ''}/${e.name}` : '';
  const reached = window.stops.map((e, n) => group(e) || `stop ${n}`);
  return {
    unseen,
    groups: reached,
    odd: window.stops.filter(e => e.tabIndex > 0).map(e => e.outerHTML.slice(0, 120)),
    start: document.activeElement === document.body,
  };
}"""


async def by_keyboard(page: Page) -> int:
    """How many stops there are. The page is as it was when it was loaded; nothing of it has the focus."""
    found: dict[str, Any] = await page.evaluate(FIND)
    assert found["odd"] == [], "the order of the page is not the order of the keyboard"
    assert found["unseen"] == [], f"nobody sees where the keyboard is: {found['unseen']}"
    assert found["start"], "something has taken the focus"
    groups = found["groups"][:MANY]
    presses = len(dict.fromkeys(groups))
    for _ in range(presses + 1):
        await page.keyboard.press("Tab")
    # A window that is told anew that it has the focus says so twice.
    walked = [stop for stop, _ in groupby(await page.evaluate("window.walked")) if stop != -1]
    first = walked[:presses]
    assert first == sorted(set(first)), f"the keyboard goes back and forth: {first}"
    assert {groups[stop] for stop in first if stop < len(groups)} == set(groups), "not everything can be reached"
    last: int = await page.evaluate("window.stops.indexOf(document.activeElement)")
    assert presses == 1 or last != first[-1], "the keyboard does not get out again"
    return presses
