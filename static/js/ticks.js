// A box that ticks all rows, and how many are ticked; without script each is ticked by hand.
for (const table of document.querySelectorAll("[data-ticks]")) {
  const form = document.getElementById(table.dataset.ticks);
  const boxes = [...table.querySelectorAll("tbody input[type=checkbox], li input[type=checkbox]")];
  const all = document.querySelector(`[data-tick-all="${form.id}"]`);
  const said = document.querySelector(`[data-ticked="${form.id}"]`);
  const buttons = document.querySelectorAll(`button[form="${form.id}"]`);
  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    if (all) {
      all.checked = ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    }
    if (said && said.dataset.some) said.textContent = said.dataset.some.replace("0", ticked);
    for (const button of buttons) button.disabled = ticked === 0;
  };
  if (all) {
    all.closest("[hidden]").hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
  }
  for (const box of boxes) box.addEventListener("change", tell);
  addEventListener("pageshow", tell);
  tell();
}
