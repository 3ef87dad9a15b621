// The page, which is part of the program: files by their paths.
import html from "./page/index.html" with { type: "text" };
import css from "./page/page.css" with { type: "text" };
import js from "./page/page.js" with { type: "text" };

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

export const PAGE: ReadonlyMap<string, PageFile> = new Map([
  ["/", { type: "text/html; charset=utf-8", text: html }],
  ["/page.css", { type: "text/css; charset=utf-8", text: css }],
  ["/page.js", { type: "text/javascript; charset=utf-8", text: js }],
]);
