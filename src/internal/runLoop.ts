/**
 * One run, as a source that is pulled: take the lock, write the message, ask the model, pass its events on, take its
 * answer into the thread, give the lock back, say that it is complete. Each pull does the next piece of that, so
 * nothing is held ahead of the reader but one network read.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { Response, ResponseCreateParamsStreaming } from "openai/resources/responses/responses"
import type * as OpenAI from "../OpenAI.ts"
import { ConnectionLost, type RequestError } from "../OpenAIError.ts"
import { RunCancelled, type RunError, RunFailed, RunIncomplete } from "../RunError.ts"
import type { RunEvent } from "../RunEvent.ts"
import type { RunId, ThreadId } from "../Thread.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { outcome, Projection } from "./projection.ts"
import * as Pull from "./pull.ts"
import { fromStream, streamCode } from "./requestError.ts"
import * as Telemetry from "./telemetry.ts"
import { toRunError } from "./threadErrors.ts"
import { isKnown, type WireEvent } from "./wireEvents.ts"

/** A run with everything decided that can be decided before the thread is ours. */
export interface Plan {
  readonly runId: RunId
  readonly threadId: ThreadId
  readonly assistant: { readonly id: string; readonly name?: string | undefined }
  readonly params: Omit<ResponseCreateParamsStreaming, "stream"> & { readonly model: string }
  /** Written to the thread before the model is asked. */
  readonly message: ThreadStore.WireItem | undefined
  /** Outputs that go with the first request. */
  readonly newItems: ReadonlyArray<ThreadStore.WireItem>
  readonly waiting: ThreadStore.Waiting
  readonly keepPartial: boolean
}

type RunPull = Pull.Pull<RunEvent, RunError>

/** What the wire told of the end, and the text until then. */
interface Heard {
  partial: string
  completed: Response | undefined
  incomplete: { readonly response: Response; readonly requestId: string | undefined } | undefined
  failure: { readonly payload: unknown; readonly requestId: string | undefined } | undefined
}

const listen = (event: WireEvent, heard: Heard, keepPartial: boolean): void => {
  if (!isKnown(event)) return
  switch (event.type) {
    case "response.output_text.delta":
      if (keepPartial) heard.partial += event.delta
      return
    case "response.completed":
      heard.completed = event.response
      return
    case "response.incomplete":
      heard.incomplete = { response: event.response, requestId: requestIdOf(event) }
      return
    case "error":
      heard.failure = { payload: event, requestId: requestIdOf(event) }
      return
    case "response.failed":
      // The `error` event before it may know more, such as the headers of a rate limit.
      if (streamCode(heard.failure?.payload) === undefined) {
        heard.failure = { payload: event.response?.error, requestId: requestIdOf(event) }
      }
  }
}

const requestIdOf = (event: WireEvent) => event._request_id

export const open = (
  plan: Plan,
  services: { readonly openai: OpenAI.Service; readonly store: ThreadStore.Service }
): Pull.Open<RunEvent, RunError> =>
  Effect.gen(function*() {
    const { runId, threadId } = plan
    const name = plan.assistant.name ?? plan.assistant.id
    const span = yield* Effect.makeSpanScoped(`invoke_agent ${name}`, { attributes: Telemetry.agentStart(plan) })
    const scope = yield* Effect.scope
    /** What is given back before `RunCompleted`: the lock and the connection. */
    const busy = yield* Scope.fork(scope, scope.strategy)
    const projection = new Projection(runId, threadId)
    const fail = (error: RunError) => Effect.fail(Option.some(error))
    const failing = <A, E extends RunError>(effect: Effect.Effect<A, E>) =>
      Effect.mapError(effect, Option.some<RunError>)
    const end: RunPull = Effect.fail(Option.none())
    /** A piece that was interrupted or has failed is not done again: it may have written, or asked the model. */
    const once = (piece: RunPull): RunPull =>
      Effect.suspend(() => {
        next = fail(new RunCancelled({ threadId, responseId: projection.responseId }))
        return piece
      })

    const enter: RunPull = once(Effect.gen(function*() {
      const ticket = yield* failing(Scope.extend(services.store.open(threadId, plan.waiting), busy))
      next = start(ticket)
      return ticket.position === 0
        ? yield* next
        : [{ _tag: "RunQueued" as const, ...projection.at(), place: ticket.position }]
    }))

    const start = (ticket: ThreadStore.Ticket): RunPull =>
      once(Effect.gen(function*() {
        const writer = yield* failing(ticket.ready)
        if (plan.message !== undefined) yield* failing(writer.append([plan.message]))
        const turn = yield* failing(writer.turn(plan.newItems))
        next = ask(turn)
        return [{
          _tag: "RunStarted" as const,
          ...projection.at(),
          assistantId: plan.assistant.id,
          model: plan.params.model
        }]
      }))

    const ask = (turn: ThreadStore.Turn): RunPull =>
      once(Effect.gen(function*() {
        projection.nextStep()
        const stream = services.openai.responses.stream({ ...plan.params, ...turn.params })
        const pull = yield* failing(
          Effect.mapError(Scope.extend(Pull.toOpen(stream), busy), toRunError(threadId))
        )
        next = read(turn, pull)
        return yield* next
      }))

    const read = (turn: ThreadStore.Turn, pull: Pull.Pull<WireEvent, RequestError>): RunPull => {
      const heard: Heard = { partial: "", completed: undefined, incomplete: undefined, failure: undefined }
      const collect = (wire: ReadonlyArray<WireEvent>): RunPull => {
        const events: Array<RunEvent> = []
        for (const event of wire) {
          projection.project(event, events)
          listen(event, heard, plan.keepPartial)
        }
        if (heard.completed !== undefined) next = complete(turn, heard.completed)
        else if (heard.incomplete !== undefined) next = incomplete(turn, heard.incomplete, heard.partial)
        return events.length > 0 ? Effect.succeed(events) : next
      }
      const ended = (error: Option.Option<RequestError>): RunPull => {
        if (heard.failure !== undefined) return failed(heard.failure)
        const lost = Option.getOrElse(
          error,
          (): RequestError => new ConnectionLost({ phase: "stream", how: "eof", accepted: true })
        )
        return fail(
          lost._tag === "ConnectionLost" && plan.keepPartial
            ? new ConnectionLost({ ...lost, partial: heard.partial })
            : toRunError(threadId)(lost)
        )
      }
      return Effect.matchEffect(pull, { onSuccess: collect, onFailure: ended })
    }

    const failed = ({ payload, requestId }: NonNullable<Heard["failure"]>): RunPull => {
      const error = fromStream(payload, requestId)
      if (error._tag === "RateLimited" || error._tag === "QuotaExceeded" || error._tag === "InvalidRequest") {
        return fail(toRunError(threadId)(error))
      }
      const { responseId } = projection
      return fail(new RunFailed({ threadId, code: streamCode(payload) ?? "unknown", responseId, requestId }))
    }

    const incomplete = (
      turn: ThreadStore.Turn,
      { requestId, response }: NonNullable<Heard["incomplete"]>,
      partial: string
    ): RunPull =>
      once(Effect.zipRight(
        failing(turn.commit(response)),
        fail(
          new RunIncomplete({
            threadId,
            reason: response.incomplete_details?.reason ?? "unknown",
            partial: plan.keepPartial ? outcome(response).text || partial : "",
            responseId: projection.responseId,
            requestId
          })
        )
      ))

    /** The lock is given back before the reader hears of the end, so that its next write is not refused. */
    const complete = (turn: ThreadStore.Turn, response: Response): RunPull =>
      once(Effect.gen(function*() {
        if (response.status === "cancelled") {
          return yield* fail(new RunCancelled({ threadId, responseId: projection.responseId }))
        }
        yield* failing(turn.commit(response))
        yield* Scope.close(busy, Exit.void)
        next = end
        return [{ _tag: "RunCompleted" as const, ...projection.at(), ...outcome(response) }]
      }))

    let next: RunPull = enter
    return Effect.suspend(() => next).pipe(
      Effect.tapError(Option.match({
        onNone: () => Effect.void,
        onSome: (error) => Effect.sync(() => span.attribute("error.type", error._tag))
      })),
      Effect.withParentSpan(span)
    )
  })
