// deno-lint-ignore-file no-explicit-any -- what a page has is not known to Deno
// A real browser for tests of the dashboard: Debian's chromium, driven by puppeteer-core, or Firefox
// where $QUEUECTL_TEST_BROWSER says so. One is started for all steps of a test.
import type { Browser, Page } from "puppeteer-core";
import { needing, type NeedingTest, pathOf } from "./has_program.ts";
import { waitUntil } from "./wait_until.ts";

/** That of the page: for functions that are sent there. */
declare const document: any;

const isFirefox = Deno.env.get("QUEUECTL_TEST_BROWSER") === "firefox";
const NAMES = isFirefox
  ? ["firefox-esr", "firefox"]
  : ["chromium", "chromium-browser", "google-chrome"];

/** The name and `ignore` of a test that needs a browser. */
export function needingBrowser(name: string): NeedingTest {
  return needing([NAMES.join("|")], name);
}

/** Gives `test` a browser, and ends it. */
export async function withBrowser(test: (browser: TestBrowser) => Promise<void>): Promise<void> {
  // Loaded here: it is big, and most machines that test have no browser.
  const { launch } = await import("puppeteer-core");
  const browser = await launch({
    browser: isFirefox ? "firefox" : "chrome",
    executablePath: NAMES.map(pathOf).find(Boolean)!,
    args: isFirefox ? [] : [
      // As root it runs without a sandbox or not at all.
      "--no-sandbox",
      "--disable-dev-shm-usage",
      // Fonts, updates and the like are none of a test's business.
      "--disable-background-networking",
      // Fifty tabs would be as many processes.
      "--process-per-site",
    ],
  });
  try {
    await test(new TestBrowser(browser));
  } finally {
    await browser.close();
  }
}

export class TestBrowser {
  readonly browser: Browser;
  /** What pages complained of: errors in scripts, requests that failed, what the policy forbade. */
  readonly complaints: string[] = [];
  /** Where pages sent requests to. */
  readonly origins = new Set<string>();

  constructor(browser: Browser) {
    this.browser = browser;
  }

  async open(url: string): Promise<TestPage> {
    const page = await this.browser.newPage();
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    page.on("request", (request) => {
      if (/^https?:/.test(request.url())) this.origins.add(new URL(request.url()).origin);
    });
    const opened = new TestPage(page);
    await page.goto(url);
    return opened;
  }
}

/** A tab. */
export class TestPage {
  readonly page: Page;
  readonly requests: string[] = [];

  constructor(page: Page) {
    this.page = page;
    page.on("request", (request) => this.requests.push(request.url()));
  }

  /** Goes to a place of the page, such as `#/jobs`. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate((to) => {
      location.hash = to;
    }, hash);
  }

  get hash(): Promise<string> {
    return this.page.evaluate(() => location.hash);
  }

  /** All the text that is shown, blanks as one; `within`: of the first element that fits. */
  async text(within = "body"): Promise<string> {
    const text = await this.page.evaluate(
      (selector) => document.querySelector(selector)?.innerText ?? "",
      within,
    );
    return text.replace(/\s+/g, " ").trim();
  }

  /** The texts of all elements that fit. */
  async texts(selector: string): Promise<string[]> {
    const texts = await this.page.$$eval(
      selector,
      (elements: any[]) =>
        elements.map((element) => element.innerText ?? element.textContent ?? ""),
    );
    return texts.map((text) => text.replace(/\s+/g, " ").trim());
  }

  /** The ids of the jobs that are listed. */
  ids(): Promise<(string | null)[]> {
    return this.page.$$eval(
      "tr[data-id]",
      (rows: any[]) => rows.map((row) => row.getAttribute("data-id")),
    );
  }

  /** Waits until a text is shown. */
  async sees(text: string | RegExp, within = "body"): Promise<void> {
    let last = "";
    const fits = async () => {
      last = await this.text(within);
      return typeof text === "string" ? last.includes(text) : text.test(last);
    };
    try {
      await waitUntil(fits, `"${text}" in ${within}`, 60_000);
    } catch (error) {
      throw new Error(
        `${error instanceof Error ? error.message : error}, but "${last.slice(0, 500)}"`,
      );
    }
  }

  /** Waits for a button or link with this text, within the first match, and presses it. */
  async press(name: string, within = "body"): Promise<void> {
    const element = await waitUntil(
      () =>
        this.page.evaluateHandle(
          (selector, text) =>
            [
              ...document.querySelector(selector)?.querySelectorAll(
                "button,a",
              ) ?? [],
            ].find((one: any) => one.textContent?.trim() === text && !one.disabled),
          within,
          name,
        ).then((handle) => handle.asElement()),
      `a button "${name}" in ${within}`,
      60_000,
    );
    await element.evaluate((one: any) => one.click());
  }

  /** Types into a field, in place of what is there. */
  async fill(selector: string, text: string): Promise<void> {
    await this.page.waitForSelector(selector);
    await this.page.$eval(selector, (field: any) => field.value = "");
    await this.page.type(selector, text);
  }

  /** Shows the page as on a system that is light or dark. */
  async setTheme(theme: "light" | "dark"): Promise<void> {
    // Firefox can't be told by its driver, so there it is chosen on the page.
    if (isFirefox) {
      await this.page.evaluate((name) => {
        document.documentElement.dataset.theme = name;
      }, theme);
    } else await this.page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  }

  /** What an attribute of each element that fits says. */
  attributes(selector: string, name: string): Promise<string[]> {
    return this.page.$$eval(
      selector,
      (elements: any[], wanted) => elements.map((element) => element.getAttribute(wanted)),
      name,
    );
  }
}
