import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";

/** Says of every relative link in the workspace's Markdown that leads to no file or heading, one line. */
export function checkDocLinks(root: string): string[] {
  const faults: string[] = [];
  for (const file of globSync("**/*.md", { cwd: root, exclude: ["**/node_modules/**", "**/dist/**", ".tools/**"] }).sort()) {
    for (const link of readLinks(readFileSync(path.join(root, file), "utf8"))) {
      if (/^[a-z][a-z+.-]*:/i.test(link)) continue;
      const [target = "", anchor] = link.split("#");
      const resolved = target === "" ? file : path.join(path.dirname(file), decodeURI(target));
      const there = path.join(root, resolved);
      if (!existsSync(there)) faults.push(`${file}: no ${link}`);
      else if (anchor && resolved.endsWith(".md") && !readAnchors(readFileSync(there, "utf8")).has(anchor))
        faults.push(`${file}: no heading for ${link}`);
    }
  }
  return faults;
}

const fenced = /^(```+|~~~+).*\n[\s\S]*?^\1.*$/gm;

function withoutCode(markdown: string): string {
  return markdown.replace(fenced, "").replace(/(`+)[^\n]*?\1/g, "");
}

function readLinks(markdown: string): string[] {
  const text = withoutCode(markdown);
  const inline = Array.from(text.matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g), ([, link]) => link!);
  const references = Array.from(text.matchAll(/^\[[^\]]+\]:\s*<?([^\s>]+)/gm), ([, link]) => link!);
  return [...inline, ...references];
}

/** Headings as GitHub names them. */
function readAnchors(markdown: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of markdown.replace(fenced, "").matchAll(/^#{1,6}\s+(.*?)\s*#*$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}
