/**
 * One run, as a source that is pulled: take the lock, write the message, ask the model, pass its events on, take its
 * answer into the thread, give the lock back, say that it is complete. Each pull does the next piece of that, so
 * nothing is held ahead of the reader but one network read.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Response, ResponseCreateParamsStreaming } from "openai/resources/responses/responses"
import type * as OpenAI from "../OpenAI.ts"
import { ConnectionLost, type RequestError, TimedOut } from "../OpenAIError.ts"
import { none, RetryPolicy } from "../RetryPolicy.ts"
import { RunCancelled, type RunError, RunFailed, RunIncomplete } from "../RunError.ts"
import type { RunEvent } from "../RunEvent.ts"
import type { RunId, ThreadId } from "../Thread.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { Timeouts } from "../Timeouts.ts"
import { Heard } from "./heard.ts"
import { outcome, Projection } from "./projection.ts"
import * as Pull from "./pull.ts"
import { fromStream, streamCode } from "./requestError.ts"
import { type Repeat, waits } from "./retry.ts"
import * as Telemetry from "./telemetry.ts"
import { toRunError } from "./threadErrors.ts"
import type { WireEvent } from "./wireEvents.ts"

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
  readonly idleTimeout: Duration.DurationInput | undefined
  /** From `RunStarted` on. */
  readonly timeout: Duration.DurationInput | undefined
}

type RunPull = Pull.Pull<RunEvent, RunError>

/** How long to ask for what became of a response whose end was not heard. */
const settleTime = "10 seconds"

const isOpen = ({ status }: Response) => status === "in_progress" || status === "queued"

export const open = (
  plan: Plan,
  services: { readonly openai: OpenAI.Service; readonly store: ThreadStore.Service }
): Pull.Open<RunEvent, RunError> =>
  Effect.gen(function*() {
    const { runId, threadId } = plan
    const name = plan.assistant.name ?? plan.assistant.id
    const span = yield* Effect.makeSpanScoped(`invoke_agent ${name}`, {
      captureStackTrace: false,
      attributes: Telemetry.agentStart(plan)
    })
    const policy = yield* RetryPolicy
    const limits = yield* Timeouts
    /** It is sent again here and not below, so that the reader hears of it. */
    const forAnswer = (line: Scope.Scope) => (context: Context.Context<never>): Context.Context<Scope.Scope> =>
      context.pipe(
        Context.add(Scope.Scope, line),
        Context.add(Tracer.ParentSpan, span),
        Context.add(RetryPolicy, none),
        Context.add(Timeouts, { ...limits, idle: plan.idleTimeout ?? limits.idle })
      )
    const scope = yield* Effect.scope
    /** What is given back before `RunCompleted`: the lock and the connection. */
    const busy = yield* Scope.fork(scope, scope.strategy)
    const projection = new Projection(runId, threadId)
    let heard = new Heard(plan.keepPartial)
    let deadline = Number.POSITIVE_INFINITY
    const fail = (error: RunError) =>
      Effect.suspend(() => {
        span.attribute("error.type", error._tag)
        return Effect.fail(Option.some(error))
      })
    const failing = <A, E extends RunError>(effect: Effect.Effect<A, E>) => Effect.catchAll(effect, fail)
    const end: RunPull = Effect.fail(Option.none())
    const cancelled: RunPull = Effect.suspend(() =>
      fail(new RunCancelled({ threadId, responseId: projection.responseId }))
    )
    /** A piece that was interrupted or has failed is not done again: it may have written, or asked the model. */
    const once = (piece: RunPull): RunPull =>
      Effect.suspend(() => {
        next = cancelled
        return piece
      })
    /** Around whatever makes requests. */
    const inSpan = <A, E>(effect: Effect.Effect<A, E>) => Effect.withParentSpan(effect, span)

    /** A request that may be sent again; the reader hears of it before each wait. */
    const trying = <A>(repeat: Repeat, request: Effect.Effect<A, RunError>, then: (a: A) => RunPull): RunPull => {
      const waitAfter = waits(policy, repeat)
      let attempt = 0
      const retrying = (error: RunError, delay: Duration.Duration): ReadonlyArray<RunEvent> => {
        next = once(Effect.zipRight(Effect.sleep(delay), again))
        return [{ _tag: "Retrying", ...projection.at(), attempt, reason: error._tag, delay }]
      }
      const again: RunPull = Effect.suspend(() => {
        attempt++
        return Effect.matchEffect(request, {
          onSuccess: then,
          onFailure: (error) =>
            Effect.flatMap(
              waitAfter(error),
              Option.match({
                onNone: () => fail(error),
                onSome: (delay) => Effect.sync(() => retrying(error, delay))
              })
            )
        })
      })
      return once(again)
    }

    const enter: RunPull = once(Effect.gen(function*() {
      const ticket = yield* failing(Scope.extend(services.store.open(threadId, plan.waiting), busy))
      next = start(ticket)
      return ticket.position === 0
        ? yield* next
        : [{ _tag: "RunQueued" as const, ...projection.at(), place: ticket.position }]
    }))

    const start = (ticket: ThreadStore.Ticket): RunPull =>
      once(Effect.flatMap(failing(ticket.ready), (writer) =>
        plan.message === undefined
          ? begin(writer)
          : trying("safe", inSpan(writer.append([plan.message])), () => begin(writer))))

    const begin = (writer: ThreadStore.Writer): RunPull =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (plan.timeout !== undefined) deadline = now + Duration.toMillis(plan.timeout)
        next = ask(writer)
        return [{
          _tag: "RunStarted" as const,
          ...projection.at(),
          assistantId: plan.assistant.id,
          model: plan.params.model
        }]
      })

    /** The turn is taken anew for each attempt: while the thread was locked, another answer may have got into it. */
    const ask = (writer: ThreadStore.Writer): RunPull => {
      const request = Effect.gen(function*() {
        const turn = yield* inSpan(writer.turn(plan.newItems))
        const line = yield* Scope.fork(busy, busy.strategy)
        const stream = services.openai.responses.stream({ ...plan.params, ...turn.params })
        const pull = yield* Pull.toOpen(stream).pipe(
          Effect.mapInputContext(forAnswer(line)),
          Effect.catchAll((error) =>
            Effect.zipRight(Scope.close(line, Exit.void), Effect.fail(toRunError(threadId)(error)))
          )
        )
        return { line, pull, turn }
      })
      return Effect.suspend(() => {
        projection.nextStep()
        heard = new Heard(plan.keepPartial)
        return trying("once", request, ({ line, pull, turn }) => {
          next = read(turn, pull, line)
          return next
        })
      })
    }

    /** `line` is the connection, which may be given up before the thread is. */
    const read = (
      turn: ThreadStore.Turn,
      pull: Pull.Pull<WireEvent, RequestError>,
      line: Scope.CloseableScope
    ): RunPull => {
      const collect = (wire: ReadonlyArray<WireEvent>): RunPull => {
        const events: Array<RunEvent> = []
        for (const event of wire) {
          if (!projection.isNew(event)) continue
          projection.project(event, events)
          heard.note(event)
        }
        if (heard.completed !== undefined) {
          // The answer is there: how long its reader takes is no concern of the limit.
          deadline = Number.POSITIVE_INFINITY
          next = complete(turn, heard.completed)
        } else if (heard.incomplete !== undefined) next = incomplete(turn, heard.incomplete)
        return events.length > 0 ? Effect.succeed(events) : next
      }
      const ended = (error: Option.Option<RequestError>): RunPull =>
        heard.failure !== undefined
          ? failed(heard.failure)
          : lost(
            turn,
            line,
            Option.getOrElse(
              error,
              (): RequestError => new ConnectionLost({ phase: "stream", how: "eof", accepted: true })
            )
          )
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

    /** The stream broke: the server knows how the answer ended, and whether it is in the thread. */
    const lost = (turn: ThreadStore.Turn, line: Scope.CloseableScope, error: RequestError): RunPull =>
      once(Effect.gen(function*() {
        const { responseId } = projection
        const { settle } = turn
        if (settle === undefined || responseId === undefined) return yield* fail(withPartial(error))
        const look = services.openai.responses.retrieve(responseId)
        // Without a connection the server ends what it has not ended yet.
        const untilOver: Effect.Effect<Response, RequestError> = Effect.flatMap(
          look,
          (response) => isOpen(response) ? Effect.delay(untilOver, "500 millis") : Effect.succeed(response)
        )
        const lookUp = Effect.flatMap(
          look,
          (response) =>
            isOpen(response) ? Effect.zipRight(Scope.close(line, Exit.void), untilOver) : Effect.succeed(response)
        )
        const found = yield* lookUp.pipe(
          Effect.tap((response) => response.status === "completed" ? settle(response) : Effect.void),
          Effect.timeoutOption(settleTime),
          Effect.orElseSucceed(Option.none<Response>),
          inSpan
        )
        const response = Option.getOrUndefined(found)
        switch (response?.status) {
          case "completed":
            return yield* finish(turn, response)
          case "incomplete":
            return yield* incomplete(turn, { response, requestId: undefined })
          case "failed":
            return yield* failed({ payload: response.error, requestId: undefined })
          default:
            return yield* fail(withPartial(error))
        }
      }))

    const withPartial = (error: RequestError): RunError =>
      plan.keepPartial && error._tag === "ConnectionLost"
        ? new ConnectionLost({ ...error, partial: heard.partial })
        : plan.keepPartial && error._tag === "TimedOut"
        ? new TimedOut({ ...error, partial: heard.partial })
        : toRunError(threadId)(error)

    /** Tells what the stream did not. */
    const finish = (turn: ThreadStore.Turn, response: Response): RunPull =>
      Effect.sync(() => {
        const events: Array<RunEvent> = []
        for (const event of heard.rest(response, projection.hasGaps)) projection.project(event, events)
        projection.project({ type: "response.completed", response } as WireEvent, events)
        deadline = Number.POSITIVE_INFINITY
        next = complete({ ...turn, commit: () => Effect.void }, response)
        return events
      })

    const incomplete = (
      turn: ThreadStore.Turn,
      { requestId, response }: NonNullable<Heard["incomplete"]>
    ): RunPull =>
      once(Effect.zipRight(
        // Why the answer is incomplete is what the reader has to know; what could not be tidied up is done before the next.
        Effect.ignore(inSpan(turn.commit(response))),
        fail(
          new RunIncomplete({
            threadId,
            reason: response.incomplete_details?.reason ?? "unknown",
            partial: plan.keepPartial ? outcome(response).text || heard.partial : "",
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
        yield* failing(inSpan(turn.commit(response)))
        yield* Scope.close(busy, Exit.void)
        next = end
        return [{ _tag: "RunCompleted" as const, ...projection.at(), ...outcome(response) }]
      }))

    const tooLong = () => {
      span.attribute("error.type", "TimedOut")
      return withPartial(new TimedOut({ phase: "total" }))
    }

    let next: RunPull = enter
    return Effect.suspend(() => deadline === Number.POSITIVE_INFINITY ? next : Pull.until(next, deadline, tooLong))
  })
