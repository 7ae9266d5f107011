// On a narrow screen the administrators' menu slides sideways: show its current entry.
const current = document.querySelector(".pages [aria-current]");
if (current) {
  const list = current.closest("ul");
  const [inner, outer] = [current.getBoundingClientRect(), list.getBoundingClientRect()];
  list.scrollLeft += inner.left - outer.left - (outer.width - inner.width) / 2;
}
