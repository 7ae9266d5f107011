// Parse each script named on the command line as an old engine would; print what can't be, and every name they use.
const fs = require("fs");
const acorn = require("acorn");

const [version, ...files] = process.argv.slice(2);
const faults = {};
const names = {};

function collect(node, found) {
  if (!node || typeof node !== "object") return;
  if (node.type === "Identifier") found.add(node.name);
  Object.values(node).forEach((part) => collect(part, found));
}

for (const file of files) {
  const found = new Set();
  try {
    collect(acorn.parse(fs.readFileSync(file, "utf8"), { ecmaVersion: Number(version) }), found);
  } catch (error) {
    faults[file] = error.message;
  }
  names[file] = [...found];
}
console.log(JSON.stringify({ faults, names }));
