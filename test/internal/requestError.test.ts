import { describe, expect, it } from "@effect/vitest"
import { OpenAIError } from "effect-openai-threads"
import * as Duration from "effect/Duration"
import SDK from "openai"
import { fromConnection, fromSdk, fromStream, streamCode } from "../../src/internal/requestError.ts"

const endpoint = { resource: "endpoint" } as const

interface Body {
  readonly code?: string | null
  readonly message?: string
  readonly param?: string | null
  readonly type?: string
}

/** What the SDK throws for an answer with this status and error. */
const thrown = (status: number, error: Body | undefined, headers: Record<string, string> = {}) =>
  SDK.APIError.generate(
    status,
    error === undefined ? undefined : { error: { message: "m", param: null, code: null, ...error } },
    error === undefined ? "<html></html>" : undefined,
    new Headers({ "x-request-id": "req_1", ...headers })
  )

const sdk = (
  status: number,
  error?: Body,
  headers?: Record<string, string>,
  about: Parameters<typeof fromSdk>[1] = endpoint
) => fromSdk(thrown(status, error, headers), about)

describe("fromSdk maps each code of the wire", () => {
  const quota = { _tag: "QuotaExceeded", isRetryable: false }
  const other = { _tag: "InvalidRequest", kind: "other", status: 400, isRetryable: false }
  const rows: ReadonlyArray<readonly [name: string, status: number, error: Body | undefined, expected: object]> = [
    ["invalid_api_key", 401, { code: "invalid_api_key" }, { _tag: "AuthenticationError", code: "invalid_api_key" }],
    ["401 without a code", 401, {}, { _tag: "AuthenticationError" }],
    ["403", 403, { code: "forbidden" }, { _tag: "PermissionDenied", code: "forbidden" }],
    ["model_not_found", 404, { code: "model_not_found" }, { _tag: "ResourceNotFound", resource: "model" }],
    ["model_not_found as 400", 400, { code: "model_not_found" }, { _tag: "ResourceNotFound", resource: "model" }],
    ["rate_limit_exceeded", 429, { code: "rate_limit_exceeded", type: "requests" }, {
      _tag: "RateLimited",
      code: "rate_limit_exceeded",
      isRetryable: true
    }],
    ["slow_down", 429, { code: "slow_down" }, { _tag: "RateLimited", code: "slow_down" }],
    ["slow_down as 503", 503, { code: "slow_down" }, { _tag: "RateLimited", code: "slow_down" }],
    ["insufficient_quota", 429, { code: "insufficient_quota" }, { ...quota, code: "insufficient_quota" }],
    ["credit_balance_exhausted", 429, { code: "credit_balance_exhausted" }, {
      ...quota,
      code: "credit_balance_exhausted"
    }],
    ["organization_spend_limit_exceeded", 429, { code: "organization_spend_limit_exceeded" }, quota],
    ["project_spend_limit_exceeded", 429, { code: "project_spend_limit_exceeded" }, quota],
    ["organization_usage_limit_exceeded", 429, { code: "organization_usage_limit_exceeded" }, quota],
    ["the type insufficient_quota", 429, { type: "insufficient_quota" }, quota],
    ["server_is_overloaded", 503, { code: "server_is_overloaded" }, {
      _tag: "ServerError",
      status: 503,
      code: "server_is_overloaded"
    }],
    ["server_error", 500, { code: "server_error" }, { _tag: "ServerError", status: 500, code: "server_error" }],
    ["502 without a body", 502, undefined, { _tag: "ServerError", status: 502 }],
    ["504 without a body", 504, undefined, { _tag: "ServerError", status: 504 }],
    ["context_length_exceeded", 400, { code: "context_length_exceeded", param: "input" }, {
      _tag: "InvalidRequest",
      kind: "context",
      param: "input"
    }],
    ["conversation_locked", 400, { code: "conversation_locked", param: "conversation" }, {
      _tag: "InvalidRequest",
      kind: "locked",
      isRetryable: true
    }],
    ["mutually_exclusive_parameters", 400, { code: "mutually_exclusive_parameters" }, {
      ...other,
      code: "mutually_exclusive_parameters"
    }],
    ["previous_response_not_found", 400, { code: "previous_response_not_found", param: "previous_response_id" }, {
      ...other,
      code: "previous_response_not_found",
      param: "previous_response_id"
    }],
    ["unsupported_parameter", 400, { code: "unsupported_parameter" }, { ...other, code: "unsupported_parameter" }],
    ["invalid_value", 400, { code: "invalid_value", param: "items[0].id" }, { ...other, param: "items[0].id" }],
    ["missing_required_parameter", 400, { code: "missing_required_parameter", param: "tools[0].container" }, {
      ...other,
      param: "tools[0].container"
    }],
    ["integer_below_min_value", 400, { code: "integer_below_min_value" }, other],
    ["item_already_in_conversation", 400, { code: "item_already_in_conversation" }, {
      _tag: "InvalidRequest",
      kind: "duplicate"
    }],
    ["no output for a call", 400, { message: "No tool output found for function call call_X." }, {
      _tag: "InvalidRequest",
      kind: "orphanCall"
    }],
    ["no call for an output", 400, { message: "No tool call found for function call output with call_id call_X." }, {
      _tag: "InvalidRequest",
      kind: "orphanOutput"
    }],
    ["an item twice", 400, { message: "Duplicate item found with id rs_1." }, {
      _tag: "InvalidRequest",
      kind: "duplicate"
    }],
    ["half a pair", 400, {
      message: "Item 'rs_1' of type 'reasoning' was provided without its required following item."
    }, { _tag: "InvalidRequest", kind: "pairing" }],
    ["the other half", 400, {
      message: "Item 'msg_1' of type 'message' was provided without its required 'reasoning' item: 'rs_1'."
    }, { _tag: "InvalidRequest", kind: "pairing" }],
    ["an expired resume", 400, {
      message: "This response can no longer be streamed because it is more than 5 minutes old."
    }, { _tag: "InvalidRequest", kind: "resumeExpired" }],
    ["a lock by its text", 400, {
      message: "Another process is currently operating on this conversation. Please retry in a few seconds."
    }, { _tag: "InvalidRequest", kind: "locked" }],
    ["400 of another text", 400, { message: "Something else" }, other],
    ["409", 409, { code: "conflict" }, { _tag: "InvalidRequest", status: 409 }],
    ["413", 413, { code: "too_large" }, { _tag: "InvalidRequest", status: 413 }],
    ["408", 408, { code: null }, { _tag: "TimedOut", phase: "firstByte" }],
    ["400 without a body", 400, undefined, { _tag: "UnexpectedResponse", status: 400 }],
    ["404 without a body", 404, undefined, { _tag: "ResourceNotFound", resource: "endpoint" }]
  ]
  for (const [name, status, error, expected] of rows) {
    it(`${name} (${status})`, () => {
      const mapped = sdk(status, error)
      expect(mapped).toMatchObject({ ...expected, requestId: "req_1" })
      expect(OpenAIError.is(mapped)).toBe(true)
    })
  }

  it("404 with a null code is about what the request was about", () => {
    expect(sdk(404, { message: "Not found." }, {}, { resource: "response", id: "resp_1" })).toMatchObject({
      _tag: "ResourceNotFound",
      resource: "response",
      id: "resp_1"
    })
  })

  it("a model that is not there is the one that was asked for", () => {
    for (const status of [400, 404]) {
      const about = { resource: "conversation", id: "conv_1", model: "gpt-nope" } as const
      const mapped = sdk(
        status,
        { code: "model_not_found", message: "The model 'gpt-nope' does not exist." },
        {},
        about
      )
      expect(mapped).toMatchObject({ _tag: "ResourceNotFound", resource: "model", id: "gpt-nope" })
      expect(mapped.message).toContain("There is no model \"gpt-nope\"")
    }
  })

  it("404 that names something else is about that", () => {
    const about = { resource: "item", id: "msg_1" } as const
    expect(sdk(404, { message: "Conversation with id 'conv_1' not found." }, {}, about)).toMatchObject({
      resource: "conversation",
      id: "conv_1"
    })
    expect(
      sdk(
        404,
        { message: "Item with id 'rs_9' not found. Items are not persisted when `store` is set to false." },
        {},
        {
          resource: "conversation",
          id: "conv_1"
        }
      )
    ).toMatchObject({ resource: "item", id: "rs_9" })
  })

  it("404 for the item that a list begins after is about the item, not about the list", () => {
    const mapped = sdk(404, { message: "No item found with id 'msg_1'.", param: "after" }, {}, {
      resource: "conversation",
      id: "conv_1"
    })
    expect(mapped).toMatchObject({ _tag: "ResourceNotFound", resource: "item", id: "msg_1" })
  })

  it("law 10: the server's wording, which quotes the input, is not kept", () => {
    const mapped = sdk(400, { code: "invalid_value", message: "Invalid value: 'my secret'." })
    expect(`${mapped.message}${JSON.stringify(mapped)}${String(mapped.stack)}`).not.toContain("my secret")
  })
})

describe("retryAfter", () => {
  const after = (headers: Record<string, string>, message = "m", status = 429) => {
    const mapped = sdk(status, { code: status === 429 ? "rate_limit_exceeded" : "server_error", message }, headers)
    return "retryAfter" in mapped ? mapped.retryAfter : undefined
  }
  const rows: ReadonlyArray<readonly [string, Record<string, string>, string, Duration.DurationInput | undefined]> = [
    ["seconds", { "retry-after": "20" }, "", "20 seconds"],
    ["more than a minute", { "retry-after": "3600" }, "", "1 hour"],
    ["milliseconds", { "retry-after-ms": "1500" }, "", 1500],
    ["milliseconds before seconds", { "retry-after-ms": "10", "retry-after": "20" }, "", 10],
    ["seconds where the milliseconds are nonsense", { "retry-after-ms": "soon", "retry-after": "2" }, "", "2 seconds"],
    [
      "a date against the answer's own date",
      {
        date: "Mon, 23 Nov 2026 02:00:00 GMT",
        "retry-after": "Mon, 23 Nov 2026 02:00:30 GMT"
      },
      "",
      "30 seconds"
    ],
    ["the text's seconds", {}, "Please try again in 3.89s.", Duration.millis(3890)],
    ["the text's milliseconds", {}, "Please try again in 174ms.", 174],
    ["the text's minutes and seconds", {}, "Please try again in 1m2.5s.", Duration.millis(62_500)],
    ["a header before the text", { "retry-after": "5" }, "Please try again in 174ms.", "5 seconds"],
    ["nothing", {}, "Slow down", undefined],
    ["nonsense", { "retry-after": "later" }, "", undefined]
  ]
  for (const [name, headers, message, expected] of rows) {
    it(name, () => {
      const actual = after(headers, message === "" ? "m" : message)
      expect(actual === undefined ? undefined : Duration.toMillis(actual)).toBe(
        expected === undefined ? undefined : Duration.toMillis(expected)
      )
    })
  }

  it("is kept of a 503 too", () => {
    expect(after({ "retry-after": "4" }, "m", 503)).toEqual(Duration.seconds(4))
  })
})

describe("fromConnection", () => {
  const caused = (code: string, syscall?: string) =>
    new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code, syscall }) })

  for (
    const code of [
      "ECONNREFUSED",
      "ENOTFOUND",
      "EAI_AGAIN",
      "CERT_HAS_EXPIRED",
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "SELF_SIGNED_CERT_IN_CHAIN",
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
      "ERR_TLS_CERT_ALTNAME_INVALID"
    ]
  ) {
    it(`${code} was never sent`, () => {
      expect(fromConnection(caused(code), "request")).toMatchObject({ _tag: "ConnectionFailed", reason: code })
    })
  }

  for (const code of ["EHOSTUNREACH", "ENETUNREACH"]) {
    it(`${code} of a connect was never sent`, () => {
      expect(fromConnection(caused(code, "connect"), "request")).toMatchObject({ _tag: "ConnectionFailed" })
    })
  }

  it("a URL that fetch refuses is not tried again", async () => {
    const thrown = await fetch("http://127.0.0.1:9/v1").catch((error: unknown) => error)
    for (const error of [thrown, caused("ERR_INVALID_URL")]) {
      expect(fromConnection(error, "request")).toMatchObject({ _tag: "InvalidInput", field: "baseUrl" })
    }
  })

  it("timeouts have their phase", () => {
    expect(fromConnection(caused("UND_ERR_CONNECT_TIMEOUT"), "request")).toMatchObject({ phase: "connect" })
    expect(fromConnection(caused("ETIMEDOUT", "connect"), "request")).toMatchObject({ phase: "connect" })
    expect(fromConnection(caused("UND_ERR_HEADERS_TIMEOUT"), "request")).toMatchObject({ phase: "firstByte" })
    expect(fromConnection(caused("UND_ERR_BODY_TIMEOUT"), "stream", "req_1")).toMatchObject({
      _tag: "TimedOut",
      phase: "idle",
      requestId: "req_1"
    })
  })

  for (const code of ["ECONNRESET", "UND_ERR_SOCKET", "EPIPE", "SOMETHING_NEW"]) {
    it(`law 6: ${code} may have been accepted`, () => {
      expect(fromConnection(caused(code), "request")).toMatchObject({
        _tag: "ConnectionLost",
        phase: "request",
        how: "reset",
        accepted: "unknown"
      })
    })
  }

  for (const code of ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"]) {
    it(`law 6: ${code} while reading from a connection that was made may have been accepted`, () => {
      expect(fromConnection(caused(code, "read"), "request")).toMatchObject({
        _tag: "ConnectionLost",
        accepted: "unknown"
      })
    })
  }

  it("in a stream the request was accepted, whatever the code", () => {
    for (const code of ["ECONNRESET", "ECONNREFUSED", "ETIMEDOUT"]) {
      expect(fromConnection(caused(code), "stream", "req_1")).toMatchObject({
        _tag: "ConnectionLost",
        phase: "stream",
        accepted: true,
        requestId: "req_1"
      })
    }
  })

  it("finds the code through the SDK's wrapper, a chain of causes and an AggregateError", () => {
    const wrapped = new SDK.APIConnectionError({ cause: caused("ECONNREFUSED") })
    expect(fromSdk(wrapped, endpoint)).toMatchObject({ _tag: "ConnectionFailed", reason: "ECONNREFUSED" })
    const all = new AggregateError([Object.assign(new Error("x"), { code: "ECONNREFUSED" })])
    expect(fromConnection(new TypeError("fetch failed", { cause: all }), "request")).toMatchObject({
      _tag: "ConnectionFailed"
    })
  })

  it("ends on causes that go round in circles", () => {
    const error: { cause?: unknown } = {}
    error.cause = error
    expect(fromConnection(error, "request")).toMatchObject({ _tag: "ConnectionLost" })
    const self = Object.assign(new AggregateError([]), {})
    self.errors.push(self)
    expect(fromConnection(self, "request")).toMatchObject({ _tag: "ConnectionLost" })
  })

  it("the SDK's own timeout and unreadable JSON have their errors", () => {
    expect(fromSdk(new SDK.APIConnectionTimeoutError(), endpoint)).toMatchObject({
      _tag: "TimedOut",
      phase: "firstByte"
    })
    expect(fromSdk(new SyntaxError("Unexpected token"), endpoint)).toMatchObject({ _tag: "UnexpectedResponse" })
  })

  it("never throws, whatever was thrown", () => {
    for (const odd of [undefined, null, "text", 1, {}, [], Object.create(null), () => {}]) {
      expect(OpenAIError.is(fromSdk(odd, endpoint))).toBe(true)
    }
  })
})

describe("fromStream", () => {
  const rows: ReadonlyArray<readonly [code: string, expected: object]> = [
    ["rate_limit_exceeded", { _tag: "RateLimited", code: "rate_limit_exceeded" }],
    ["slow_down", { _tag: "RateLimited" }],
    ["insufficient_quota", { _tag: "QuotaExceeded" }],
    ["context_length_exceeded", { _tag: "InvalidRequest", kind: "context" }],
    ["conversation_locked", { _tag: "InvalidRequest", kind: "locked" }],
    ["item_already_in_conversation", { _tag: "InvalidRequest", kind: "duplicate" }],
    ["invalid_api_key", { _tag: "AuthenticationError" }],
    ["server_error", { _tag: "ServerError", code: "server_error" }],
    ["server_is_overloaded", { _tag: "ServerError", code: "server_is_overloaded" }],
    ["vector_store_timeout", { _tag: "ServerError", code: "vector_store_timeout" }]
  ]
  for (const [code, expected] of rows) {
    it(`${code}: flat, nested and of response.failed are the same`, () => {
      const error = { code, message: "m", param: null }
      for (
        const payload of [
          { type: "error", sequence_number: 3, ...error },
          { type: "error", sequence_number: 3, error: { type: "invalid_request_error", ...error } },
          { code, message: "m" }
        ]
      ) {
        expect(fromStream(payload, "req_1")).toMatchObject({ ...expected, requestId: "req_1" })
        expect(streamCode(payload)).toBe(code)
      }
    })
  }

  it("history kinds are told by their text", () => {
    const payload = { error: { code: null, message: "No tool output found for function call call_X." } }
    expect(fromStream(payload, undefined)).toMatchObject({ _tag: "InvalidRequest", kind: "orphanCall" })
  })

  it("reads the rate limit's headers and its text", () => {
    const wait = (error: object) => {
      const mapped = fromStream({ error: { code: "rate_limit_exceeded", ...error } }, undefined)
      return "retryAfter" in mapped && mapped.retryAfter ? Duration.toMillis(mapped.retryAfter) : undefined
    }
    expect(wait({ headers: { "Retry-After": "3" } })).toBe(3000)
    expect(wait({ message: "Please try again in 1s." })).toBe(1000)
  })

  it("law 9: headers that are none are no defect", () => {
    for (const headers of [{ "not a name": "1" }, { "retry-after": "ü\n" }, { a: 1 }, [], "x"]) {
      expect(fromStream({ error: { code: "rate_limit_exceeded", headers } }, undefined)).toMatchObject({
        _tag: "RateLimited"
      })
    }
  })

  it("never throws, whatever was sent", () => {
    for (const odd of [undefined, null, "text", 1, {}, [], { error: null }, { error: "x" }, { code: 5, message: {} }]) {
      expect(OpenAIError.is(fromStream(odd, undefined))).toBe(true)
      expect(streamCode(odd)).toBeUndefined()
    }
  })
})
