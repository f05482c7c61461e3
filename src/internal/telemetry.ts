/**
 * Names and attributes of spans: OpenTelemetry's semantic conventions for generative AI
 * (`gen_ai.*`, status "Development", schema gen-ai-dev of 2026-11). They are written out here because the package that
 * carries them marks them as moved. No attribute ever holds message content.
 */
import type * as Cause from "effect/Cause"
import * as Predicate from "effect/Predicate"
import type * as Tracer from "effect/Tracer"
import type { Response, ResponseCreateParams } from "openai/resources/responses/responses"
import { defectOf } from "./defectOf.ts"

type Attributes = Record<string, unknown>

const present = (attributes: Attributes): Attributes => {
  // A loop, since every request comes by here.
  const kept: Attributes = {}
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    if (value !== undefined && value !== null) kept[name] = value
  }
  return kept
}

/** At the start of `chat {model}`: one request to a model. */
export const chatStart = (params: ResponseCreateParams, server: URL | undefined): Attributes =>
  present({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "openai.api.type": "responses",
    "gen_ai.request.model": params.model,
    "gen_ai.request.stream": params.stream === true ? true : undefined,
    "gen_ai.request.max_tokens": params.max_output_tokens,
    "gen_ai.request.temperature": params.temperature,
    "gen_ai.request.top_p": params.top_p,
    "gen_ai.conversation.id": typeof params.conversation === "string" ? params.conversation : params.conversation?.id,
    "server.address": server?.hostname,
    "server.port": server === undefined ? undefined : Number(server.port || (server.protocol === "http:" ? 80 : 443))
  })

/** At its end. Usage is here and nowhere else, or it would be counted twice. */
export const chatEnd = (span: Tracer.Span, response: Response | undefined): void => {
  if (!Predicate.isRecord(response)) return
  const usage = response.usage ?? undefined
  const set = (name: string, value: unknown) => {
    if (value !== undefined && value !== null) span.attribute(name, value)
  }
  set("gen_ai.response.id", response.id)
  set("gen_ai.response.model", response.model)
  set("gen_ai.response.finish_reasons", [response.incomplete_details?.reason ?? response.status ?? "unknown"])
  set("gen_ai.usage.input_tokens", usage?.input_tokens)
  set("gen_ai.usage.output_tokens", usage?.output_tokens)
  set("gen_ai.usage.cache_read.input_tokens", usage?.input_tokens_details?.cached_tokens)
  set("gen_ai.usage.reasoning.output_tokens", usage?.output_tokens_details?.reasoning_tokens)
  if (response.status === "failed") set("error.type", response.error?.code ?? "failed")
}

/** At the start of `invoke_agent {name}`: one run. */
export const agentStart = (run: {
  readonly threadId: string
  readonly runId: string
  readonly assistant: { readonly id: string; readonly name?: string | undefined }
}): Attributes =>
  present({
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.provider.name": "openai",
    "gen_ai.conversation.id": run.threadId,
    "gen_ai.agent.id": run.assistant.id,
    "gen_ai.agent.name": run.assistant.name,
    "effect_openai_threads.run.id": run.runId
  })

/** At the start of `execute_tool {name}`: one call of a tool of the program. */
export const toolStart = (call: { readonly name: string; readonly callId: string }): Attributes => ({
  "gen_ai.operation.name": "execute_tool",
  "gen_ai.tool.name": call.name,
  "gen_ai.tool.call.id": call.callId,
  "gen_ai.tool.type": "function"
})

/** At its end. Of a failure only its name is told. */
export const toolEnd = (span: Tracer.Span, { cause, failure, isFailure, result }: {
  readonly isFailure: boolean
  readonly result?: unknown
  readonly failure?: { readonly error: unknown } | undefined
  readonly cause?: Cause.Cause<unknown> | undefined
}): void => {
  if (!isFailure) return
  const error = failure !== undefined ? failure.error : cause !== undefined ? defectOf(cause) : result
  const name = Predicate.hasProperty(error, "_tag") ? error._tag : error instanceof Error ? error.name : undefined
  span.attribute("error.type", typeof name === "string" ? name : "_OTHER")
}
