// While the title of a new application is typed, suggest its name, until somebody types one.
(() => {
  const LONGEST = 40;
  const title = document.querySelector("#title");
  const name = document.querySelector("#name");
  if (!title || !name || name.value) return;
  let typed = false;

  name.addEventListener("input", () => (typed = name.value !== ""));
  title.addEventListener("input", () => {
    if (typed) return;
    const words = title.value.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    name.value = words.replace(/^[-0-9]+/, "").slice(0, LONGEST).replace(/-+$/, "");
  });
})();
