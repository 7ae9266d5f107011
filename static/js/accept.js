// Counts ticked boxes: in the list of pairs, in its heading and beside the field for their number; below a list of
// suggestions, on the button that accepts those selected.
(() => {
  const count = (boxes) => boxes.filter((box) => box.checked).length;
  const tell = (text, number) => {
    text.textContent = (number === 1 ? text.dataset.one : text.dataset.many || text.dataset.one).replace(/\d+/, number);
  };
  const watch = (boxes, update) => {
    document.addEventListener("change", () => update(count(boxes)));
    addEventListener("pageshow", () => update(count(boxes)));
  };

  const form = document.querySelector("form.accept");
  if (form) {
    const field = form.querySelector("#count");
    watch([...form.querySelectorAll("input[name=pair]")], (number) => {
      for (const text of document.querySelectorAll("h1[data-one], label[data-one]")) tell(text, number);
      if (field) field.required = number > Number(form.dataset.typedOver);
      form.querySelector(".bulk button").disabled = number === 0;
    });
  }

  const button = document.querySelector("[data-accept]");
  if (button) {
    const unnumbered = button.textContent;
    watch([...document.querySelectorAll("input[name=pair]")], (number) => {
      if (number) tell(button, number);
      else button.textContent = unnumbered;
    });
  }
})();
