// A checkbox that selects all rows, a count of the selected ones, and a bar that is there while there are some. Without
// script, rows are selected one by one and the bar is always there.
for (const table of document.querySelectorAll("[data-ticks]")) {
  const form = document.getElementById(table.dataset.ticks);
  const boxes = [...table.querySelectorAll("tbody input[type=checkbox], li input[type=checkbox]")];
  const all = document.querySelector(`[data-tick-all="${form.id}"]`);
  const counter = document.querySelector(`[data-ticked="${form.id}"]`);
  const bar = document.querySelector(`[data-bar="${form.id}"]`);
  const buttons = document.querySelectorAll(`button[form="${form.id}"]`);
  const update = () => {
    const count = boxes.filter((box) => box.checked).length;
    if (all) {
      all.checked = count === boxes.length;
      all.indeterminate = count > 0 && count < boxes.length;
    }
    if (counter && counter.dataset.some) counter.textContent = counter.dataset.some.replace("0", count);
    for (const button of buttons) button.disabled = count === 0;
    if (bar) bar.hidden = count === 0;
  };
  if (all) {
    all.closest("[hidden]").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      update();
    });
  }
  for (const box of boxes) box.addEventListener("change", update);
  addEventListener("pageshow", update);
  update();
}
