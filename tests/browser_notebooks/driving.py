"""How a user moves about in JupyterLab: open, run, save, look."""

from __future__ import annotations

from servers import Server

LIVE = ".ct-live"
KERNEL_READY = """() => {
    const context = window.jupyterapp?.shell.currentWidget?.sessionContext;
    return context?.isReady && context.session?.kernel?.status === "idle";
}"""


def opened(page, lab: Server, name: str) -> None:
    """Open a notebook and wait until its kernel is there."""
    page.goto(f"{lab.url}/lab/tree/notebooks/{name}?reset")
    page.wait_for_selector(".jp-Notebook .jp-Cell")
    page.wait_for_function(KERNEL_READY)


def menu(page, *names: str) -> None:
    """Choose an entry of a menu."""
    page.get_by_role("menuitem", name=names[0], exact=True).click()
    page.get_by_role("menuitem", name=names[1], exact=names[1][-1] != "…").first.click()


def run_all(page, seconds: int = 90) -> None:
    """Run every cell and wait for the last one."""
    menu(page, "Run", "Run All Cells")
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')].map(p => p.textContent);
            const broken = document.querySelector(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']");
            return broken || (prompts.length > 0 && prompts.every(p => /\\[\\d+\\]/.test(p)));
        }""",
        timeout=seconds * 1000,
    )
    broken = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")
    assert broken.count() == 0, broken.first.inner_text()
    page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=seconds * 1000)


def widget(page, number: int = 0):
    """Return a live widget of the page, scrolled into view."""
    found = page.locator(LIVE).nth(number)
    found.wait_for()
    found.evaluate("each => each.scrollIntoView()")
    return found


def settled(page, action, watched, changed=None) -> None:
    """Do something, and wait until what is watched shows something else, or what is expected."""
    before = watched.inner_text()
    action()
    if changed is None:
        page.wait_for_function("([each, before]) => each.innerText !== before", arg=[watched.element_handle(), before])
    else:
        page.wait_for_function(
            "([each, text]) => each.innerText.includes(text)", arg=[watched.element_handle(), changed]
        )
