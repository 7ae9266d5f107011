"""Checks of a page in Chromium, as scripts.

They check sideways scrolling, the size of touch targets, and contrast.
"""

FINGER = 44  # pixels
WIDER_THAN_THE_SCREEN = """() => [document.documentElement, document.body, ...document.querySelectorAll("body *")]
  .filter((node) => node.checkVisibility() && !node.closest("thead, .skip, .unseen, .cut") && node.clientWidth > 0)
  .filter((node) => node.scrollWidth > node.clientWidth || node.getBoundingClientRect().right > innerWidth)
  .map((node) => node.cloneNode().outerHTML || node.nodeName)"""
TOO_LOW_FOR_A_FINGER = """(least) => [...document.querySelectorAll("a, button, summary, input:not([type=hidden])")]
  .filter((node) => node.closest("header, main") && node.checkVisibility())
  .map((node) => [node.innerText, node.getBoundingClientRect().height])
  .filter(([, height]) => height < least)"""
# Contrast as WCAG 2.2 counts it (1.4.3), for every text but decoration, against the nearest ground that is painted.
PALE_TEXT = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if ((numbers(colour)[3] ?? 1) === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.textContent.trim(), node = texts.currentNode.parentElement;
    if (!text || !node.checkVisibility() || node.closest("[aria-hidden=true]")) continue;
    const pair = [light(getComputedStyle(node).color), light(ground(node))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) found.push([text, contrast.toFixed(2)]);
  }
  return found;
}"""
