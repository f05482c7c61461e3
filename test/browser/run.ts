/**
 * The chat of examples/web.ts in a real browser: `npm run test:browser`. CHROMIUM says where the browser is, if it is not
 * at /usr/bin/chromium. The answers come slowly, and whatever is on the page is looked at whenever it changes: at the end
 * the whole text replaces its pieces, so that a piece that is lost or doubled would be gone by then.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpServer from "@effect/platform/HttpServer"
import { Effect, Exit, Layer, Scope } from "effect"
import { Simulator } from "effect-openai-threads/testing"
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { createServer } from "node:http"
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"
import { app } from "../../examples/web.ts"
import { threads } from "../support/layers.ts"
import { answer, slowly } from "../support/web.ts"

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
const patience = 12_000

interface Chat {
  readonly page: Page
  readonly context: BrowserContext
  readonly url: string
  readonly simulator: Simulator.Service
  /** Breaks what is open between the browser and the server. */
  readonly cut: () => void
}

const ask = async (page: Page) => {
  await page.fill("input", "Tell me something")
  await page.press("input", "Enter")
}

const textOf = async (page: Page) => await page.textContent("main") ?? ""

/** Waits until that much of the answer has come. */
const words = (page: Page, count: number) =>
  page.waitForFunction((count) => (document.querySelector("main")?.textContent.split(" ").length ?? 0) >= count, count)

const cursorOf = async (page: Page) => String(await page.evaluate(() => sessionStorage.getItem("cursor")))

/** Once it is over the next question can be asked. */
const end = (page: Page) => page.waitForSelector("button:has-text('Ask'):enabled")

const isWhole = async (page: Page) => {
  await end(page)
  const seen = await page.evaluate("seen")
  assert.ok(Array.isArray(seen), "the page was watched")
  assert.equal(seen.at(-1), answer)
  assert.equal(await textOf(page), answer)
  assert.equal(seen.find((text) => !answer.startsWith(String(text))), undefined)
}

const scenarios: Record<string, (chat: Chat) => Promise<void>> = {
  "a reload in mid-answer, another one, and one at the end": async ({ page }) => {
    await ask(page)
    for (const count of [6, 12]) {
      await words(page, count)
      assert.notEqual(await textOf(page), answer)
      await page.reload()
    }
    await isWhole(page)
    await page.reload()
    await isWhole(page)
  },

  "a connection that breaks": async ({ cut, page }) => {
    await ask(page)
    await words(page, 15)
    cut()
    await isWhole(page)
  },

  "Stop, and another question": async ({ page, simulator }) => {
    await ask(page)
    await words(page, 10)
    await page.click("text=Stop")
    await end(page)
    const stopped = await textOf(page)
    assert.match(stopped, /\[.*cancelled.*\]$/i)
    assert.ok(answer.startsWith(stopped.slice(0, stopped.indexOf("[")).trim()), stopped)
    const [thread] = await Effect.runPromise(simulator.threads)
    assert.equal(thread?.locked, false)
    await ask(page)
    await end(page)
    assert.equal(await textOf(page), answer)
    assert.equal((await Effect.runPromise(simulator.threads)).length, 1)
  },

  "two tabs": async ({ context, page, url }) => {
    await ask(page)
    await words(page, 10)
    // What a browser does that duplicates a tab.
    const other = await context.newPage()
    await other.addInitScript((cursor) => sessionStorage.setItem("cursor", cursor), await cursorOf(page))
    await other.goto(url)
    await isWhole(other)
    await isWhole(page)
  }
}

const play = async (browser: Browser, scenario: (chat: Chat) => Promise<void>) => {
  const scope = await Effect.runPromise(Scope.make())
  const server = createServer()
  const context = await browser.newContext()
  try {
    const layer = HttpServer.serve(app).pipe(
      Layer.provideMerge(NodeHttpServer.layer(() => server, { host: "127.0.0.1", port: 0 })),
      Layer.provideMerge(threads(slowly("30 millis")))
    )
    const services = await Effect.runPromise(Layer.buildWithScope(layer, scope))
    const { simulator, url } = await Effect.runPromise(
      Effect.all({ simulator: Simulator.Simulator, url: HttpServer.addressFormattedWith(Effect.succeed) }).pipe(
        Effect.provide(services)
      )
    )
    context.setDefaultTimeout(patience)
    await context.addInitScript(watch)
    const page = await context.newPage()
    await page.goto(url)
    await scenario({ page, context, url, simulator, cut: () => server.closeAllConnections() })
  } finally {
    await context.close()
    server.closeAllConnections()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  }
}

/** Runs in each page before anything else in it, and remembers what is to be read, over a reload too. */
function watch() {
  const seen: Array<string> = JSON.parse(sessionStorage.getItem("seen") ?? "[]")
  new MutationObserver(() => {
    const text = document.querySelector("main")?.textContent ?? ""
    if (text !== seen.at(-1)) seen.push(text)
  }).observe(document, { subtree: true, childList: true, characterData: true })
  addEventListener("pagehide", () => sessionStorage.setItem("seen", JSON.stringify(seen)))
  Object.assign(window, { seen })
}

if (!existsSync(executablePath)) {
  console.error(`There is no browser at ${executablePath}: say where it is with CHROMIUM.`)
  process.exit(1)
}
const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync"
  ]
})
try {
  const results = await Promise.allSettled(
    Object.entries(scenarios).map(async ([name, scenario]) => {
      const began = performance.now()
      await play(browser, scenario)
      console.log(`ok ${name} (${Math.round(performance.now() - began)} ms)`)
    })
  )
  Object.keys(scenarios).forEach((name, index) => {
    const result = results[index]
    if (result?.status !== "rejected") return
    process.exitCode = 1
    console.error(`FAILED ${name}\n`, result.reason)
  })
} finally {
  await browser.close()
}
