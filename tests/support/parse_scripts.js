// Parse each script named on the command line as an old engine would. Print the faults and all names they use.
const fs = require("fs");
const acorn = require("acorn");

const [version, ...files] = process.argv.slice(2);
const faults = {};
const names = {};

function collect(node, identifiers) {
  if (!node || typeof node !== "object") return;
  if (node.type === "Identifier") identifiers.add(node.name);
  Object.values(node).forEach((part) => collect(part, identifiers));
}

for (const file of files) {
  const identifiers = new Set();
  try {
    collect(acorn.parse(fs.readFileSync(file, "utf8"), { ecmaVersion: Number(version) }), identifiers);
  } catch (error) {
    faults[file] = error.message;
  }
  names[file] = [...identifiers];
}
console.log(JSON.stringify({ faults, names }));
