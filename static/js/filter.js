// Long lists behind a fold: a field shows the entries that hold its words.
for (const fold of document.querySelectorAll("[data-filter]")) {
  const field = fold.querySelector("input[type=search]");
  const none = fold.querySelector("[data-none]");
  field.hidden = false;
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // it sends no form around the list
  });
  field.addEventListener("input", () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of fold.querySelectorAll("[data-group]")) {
      const entries = [...group.querySelectorAll("li")];
      for (const entry of entries) {
        const text = entry.textContent.toLowerCase();
        entry.hidden = !words.every((word) => text.includes(word));
      }
      group.hidden = entries.every((entry) => entry.hidden);
    }
    none.textContent = fold.querySelector("li:not([hidden])") ? "" : none.dataset.text;
  });
}
