"""How a user moves about in JupyterLab: open, run, save, look."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from servers import Server

LIVE = ".ct-live"
MEASURE = """([root, press, watched]) => new Promise((done, fail) => {
    const begin = performance.now();
    const observer = new MutationObserver(() => {
        observer.disconnect();
        requestAnimationFrame(() => done(performance.now() - begin));
    });
    observer.observe(root.querySelector(watched),
        {childList: true, subtree: true, characterData: true});
    setTimeout(() => fail(new Error('nothing changed')), 60000);
    const element = root.querySelector(press.selector);
    if (press.option !== null) element.selectedIndex = press.option;
    if (press.text !== null) element.value = press.text;
    if (press.option === null && press.text === null) element.click();
    else for (const kind of ['input', 'change', 'keyup'])
        element.dispatchEvent(new Event(kind, {bubbles: true}));
})"""
RESTED = """element => {
    if (window.ctSeen.text !== element.innerText)
        window.ctSeen = {text: element.innerText, since: performance.now()};
    return performance.now() - window.ctSeen.since > 250;
}"""
KERNEL_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === "idle";
}"""


def opened(page, lab: Server, name: str, *, path: str = "lab/tree") -> None:
    """Open a notebook and wait until its kernel is there."""
    page.goto(f"{lab.url}/{path}/notebooks/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(KERNEL_READY)


def menu(page, *names: str) -> None:
    """Choose an entry of a menu."""
    page.get_by_role("menuitem", name=names[0], exact=True).click()
    page.get_by_role(
        "menuitem", name=names[1], exact=names[1][-1] != "…"
    ).first.click()


def run_all(page, seconds: int = 90) -> None:
    """Run every cell and wait for the last one."""
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(
        """() => {
            const cells = document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt');
            const prompts = [...cells].map(p => p.textContent);
            const broken = document.querySelector(
                ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']");
            return broken || (prompts.length > 0 && prompts.every(p => /\\[\\d+\\]/.test(p)));
        }""",
        timeout=seconds * 1000,
    )
    broken = page.locator(
        ".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']"
    )
    assert broken.count() == 0, broken.first.inner_text()
    page.wait_for_selector(
        ".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=seconds * 1000
    )


def widget(page, number: int = 0):
    """Return a live widget of the page, scrolled into view."""
    live = page.locator(LIVE).nth(number)
    live.wait_for()
    live.evaluate("element => element.scrollIntoView()")
    return live


def settled(page, action, watched, changed=None) -> None:
    """Do something, and wait until what is watched shows something else, or what is expected,
    and has come to rest.
    """
    before = watched.inner_text()
    action()
    if changed is None:
        page.wait_for_function(
            "([element, before]) => element.innerText !== before",
            arg=[watched.element_handle(), before],
        )
    else:
        page.wait_for_function(
            "([element, text]) => element.innerText.includes(text)",
            arg=[watched.element_handle(), changed],
        )
    # The parts of an answer arrive one after the other.
    page.evaluate("() => { window.ctSeen = {}; }")
    page.wait_for_function(RESTED, arg=watched.element_handle())


def milliseconds(
    page,
    root,
    selector: str,
    watched: str,
    *,
    option: int | None = None,
    text: str | None = None,
) -> float:
    """Return the time from a click, a choice or typed text to the change of the page that
    answers it.
    """
    press = {"selector": selector, "option": option, "text": text}
    spent = page.evaluate(MEASURE, [root.element_handle(), press, watched])
    page.wait_for_timeout(1500)
    return float(spent)


def summed_up(times: dict[str, list[float]], file: Path) -> None:
    """Write the times and their medians, for the notes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    summary = {
        what: {
            "median ms": round(statistics.median(spent)),
            "all": [round(one) for one in spent],
        }
        for what, spent in times.items()
    }
    file.write_text(json.dumps(summary, indent=2))
