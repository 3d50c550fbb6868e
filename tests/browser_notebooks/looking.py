"""What can be seen of a page: contrast of its text, and what is cut."""

from __future__ import annotations

CONTRAST = """(selector) => {
    const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const parse = text => (text.match(/[0-9.]+/g) || []).map(Number);
    const over = (top, below) => {
        const a = top.length > 3 ? top[3] : 1;
        return [0, 1, 2].map(i => top[i] * a + below[i] * (1 - a));
    };
    const behind = element => {
        const layers = [];
        for (let e = element; e; e = e.parentElement) {
            const colour = parse(getComputedStyle(e).backgroundColor);
            if (colour.length && (colour.length < 4 || colour[3] > 0)) layers.push(colour);
            if (colour.length === 3) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
    };
    const faint = [];
    for (const root of document.querySelectorAll(selector)) {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        for (let node; (node = walker.nextNode());) {
            const element = node.parentElement, words = node.textContent.trim();
            if (!words || ['STYLE', 'SCRIPT'].includes(element.tagName)) continue;
            const box = element.getBoundingClientRect(), style = getComputedStyle(element);
            if (!box.width || !box.height || style.visibility === 'hidden') continue;
            if (element.closest('.ct-channel, :disabled, [hidden]')) continue;
            const back = behind(element), front = over(parse(style.color), back);
            const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
            const ratio = (a + 0.05) / (b + 0.05);
            if (ratio < 4.5) faint.push(`${ratio.toFixed(1)}: ${words.slice(0, 40)} `
                + `(${element.tagName}.${element.className}, `
                + `${style.color} on ${back.map(Math.round)})`);
        }
    }
    return faint;
}"""
"""Texts with a contrast below 4.5:1 (WCAG 2.1, AA); controls that are switched off are exempt."""

CUT = """(selector) => {
    const cut = [];
    const wide = document.documentElement.clientWidth;
    for (const root of document.querySelectorAll(selector))
        for (const element of root.querySelectorAll('*')) {
            const style = getComputedStyle(element), box = element.getBoundingClientRect();
            if (!box.width || !box.height || element.closest('.ct-channel')) continue;
            const name = `${element.tagName}.${element.className}: `
                + (element.textContent || '').trim().slice(0, 40);
            if (box.right > wide + 1) cut.push(`beyond the page: ${name}`);
            const hides = ['hidden', 'clip', 'auto', 'scroll'].includes(style.overflowX);
            if (hides && element.scrollWidth > element.clientWidth + 1
                && !['INPUT', 'SELECT', 'TEXTAREA', 'PRE'].includes(element.tagName))
                cut.push(`${element.scrollWidth} in ${element.clientWidth}: ${name}`);
        }
    return cut;
}"""
"""Elements that leave the page at the right, or whose content does not fit beside its edge."""
