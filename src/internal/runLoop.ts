/**
 * One run, as a source that is pulled: take the lock, write the message, ask the model, pass its events on, take its
 * answer into the thread, call the tools that it wants and ask again, give the lock back, say that it is complete. Each
 * pull does the next piece of that, so nothing is held ahead of the reader but one network read.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Response, ResponseCreateParamsStreaming } from "openai/resources/responses/responses"
import type { Cursor } from "../Cursor.ts"
import type * as OpenAI from "../OpenAI.ts"
import { ConnectionLost, InvalidInput, type RequestError, TimedOut } from "../OpenAIError.ts"
import { none, RetryPolicy } from "../RetryPolicy.ts"
import {
  type HistoryRejected,
  NotResumable,
  type ResumeError,
  RunCancelled,
  type RunError,
  RunFailed,
  RunIncomplete,
  ToolFailed,
  TooManySteps
} from "../RunError.ts"
import type { Pending, RunEvent } from "../RunEvent.ts"
import type * as RunLog from "../RunLog.ts"
import type { CallId, FunctionCall, ResponseId, RunId, ThreadId } from "../Thread.ts"
import { ThreadBusy } from "../ThreadError.ts"
import type * as ThreadStore from "../ThreadStore.ts"
import { Timeouts } from "../Timeouts.ts"
import * as ActiveRuns from "./activeRuns.ts"
import { Heard } from "./heard.ts"
import * as Lineage from "./lineage.ts"
import { noUsage, outcome, Projection, sum } from "./projection.ts"
import * as Pull from "./pull.ts"
import { fromStream, streamCode } from "./requestError.ts"
import { type Repeat, waits } from "./retry.ts"
import { unknownOutcome } from "./settle.ts"
import * as Telemetry from "./telemetry.ts"
import { toRunError } from "./threadErrors.ts"
import * as ToolSteps from "./toolSteps.ts"
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
  /** Calls that wait in the thread and were approved. */
  readonly approved: ReadonlySet<CallId>
  readonly waiting: ThreadStore.Waiting
  /** What is done with calls that wait in the thread. */
  readonly onPending: "reject" | "close"
  readonly keepPartial: boolean
  readonly idleTimeout: Duration.DurationInput | undefined
  /** From `RunStarted` on. */
  readonly timeout: Duration.DurationInput | undefined
  /** What the program does itself of what the model asks for. */
  readonly tools: ToolSteps.Tools | undefined
  /** Turns the text of the last step into the run's output. */
  readonly decode: ((result: Outcome) => Effect.Effect<unknown, RunError>) | undefined
  /** Whether its answers are cancelled when its reader stops; without a connection only those in the background go on. */
  readonly cancelOnStop: boolean
  /** What is remembered of runs in the background. */
  readonly log: RunLog.Service
  /** Who this is for the log. */
  readonly owner: string
  /** Where it goes on, if it was begun before. */
  readonly from: From | undefined
}

/** A run that was begun before, by this process or another. */
interface From {
  readonly cursor: Cursor
  /** The response of the cursor's step, as it was found. */
  readonly response: Response
  /** Of the steps before that one. */
  readonly before: Lineage.Before
  /** Who drives the run, if somebody does: then it is only read along. */
  readonly leader: ActiveRuns.Leader | undefined
}

type RunPull = Pull.Pull<RunEvent, ResumeError>

/** What a step came to. */
type Outcome = Omit<ReturnType<typeof outcome>, "pending"> & { readonly pending: ReadonlyArray<Pending> }

/** A turn with the one who took it. */
type Turn = ThreadStore.Turn & { readonly writer: ThreadStore.Writer }

/** A response that has begun to come. */
interface Opened {
  readonly line: Scope.CloseableScope
  readonly pull: Pull.Pull<WireEvent, RequestError>
  readonly turn: ThreadStore.Turn
}

/** Whoever reads along writes nothing. */
const readingAlong: Turn = {
  params: {},
  commit: () => Effect.void,
  writer: {
    append: () => Effect.succeed([]),
    answer: () => Effect.void,
    openCalls: Effect.succeed([]),
    reconcile: Effect.succeed({ closed: [], removed: [] }),
    turn: () => Effect.succeed(readingAlong)
  }
}

const noneMade: ReadonlyArray<ToolSteps.Made> = []

/** Before the first step. */
const nothing: Outcome = { status: "completed", pending: [], messages: [], text: "", usage: noUsage }

/** The calls of one step. */
interface Work {
  readonly done: Queue.Dequeue<ToolSteps.Done | undefined>
  /** What the program cannot answer itself. */
  readonly left: ReadonlyArray<Pending>
  readonly items: Array<ThreadStore.WireItem>
  /** How many are not done yet. */
  size: number
  failure?: RunPull
}

/** How long to ask for what became of a response whose end was not heard. */
const settleTime = "10 seconds"

/** How often the events of an answer that is complete are read in vain. */
const maxReadings = 4

/** How often is asked what became of an answer that cannot be heard. */
const pollTime = "1 second"

/** How often somebody who reads along looks for the next step. */
const followTime = "200 millis"

/** How long a process that has died may be taken for one that drives its runs, and how often it says that it lives. */
const leaseTime = Duration.seconds(30)
const leaseRenewal = "10 seconds"

/** How long the end of a run may take to write the outputs that its calls lack. */
const payOffTime = "5 seconds"

const isOpen = ({ status }: Response) => status === "in_progress" || status === "queued"

export const open = (
  plan: Plan,
  services: {
    readonly openai: OpenAI.Service
    readonly store: ThreadStore.Service
    readonly active: ActiveRuns.ActiveRuns
  }
): Pull.Open<RunEvent, ResumeError> =>
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
    const isBackground = plan.params.background === true
    let { from } = plan
    /** This run, and not one before it, has asked the model. */
    let hasAsked = false
    let before: Lineage.Before = from?.before ?? { usage: noUsage, messages: [] }
    /** The connection of the answer that is read, and whether the answer has its end. */
    let current: Scope.CloseableScope | undefined
    let isOver = true
    /** Somebody else wants it to end. */
    const stopped = Deferred.unsafeMake<void>(FiberId.none)
    let isStopped = false
    const pause = (time: Duration.DurationInput) => Effect.raceFirst(Effect.sleep(time), Deferred.await(stopped))
    /** Set while calls are made. */
    let calling: Queue.Enqueue<ToolSteps.Done | undefined> | undefined
    const self: ActiveRuns.ActiveRun = {
      runId,
      threadId,
      steps: [],
      outputs: new Map(),
      end: undefined,
      stop: Effect.suspend(() => {
        isStopped = true
        const line = current
        return Deferred.succeed(stopped, undefined).pipe(
          Effect.zipRight(calling === undefined ? Effect.void : Queue.offer(calling, undefined)),
          Effect.zipRight(line === undefined ? Effect.void : Scope.close(line, Exit.void)),
          Effect.zipRight(cancel)
        )
      })
    }
    /** The outputs that the calls in the thread still lack, as far as they are known. */
    let owed = new Map<CallId, ThreadStore.WireItem>()
    const settle = (callId: CallId, output: string) =>
      Effect.sync(() => void owed.set(callId, ToolSteps.outputOf(callId, output)))
    /** What is owed for a call changes when it begins and when it is done, whether or not anybody hears of it. */
    const tools: ToolSteps.Tools | undefined = plan.tools === undefined ? undefined : {
      ...plan.tools,
      log: {
        ...plan.tools.log,
        start: (call) => Effect.zipRight(settle(call.callId, unknownOutcome), plan.tools!.log.start(call)),
        finish: (call, output) => Effect.zipRight(settle(call.callId, output), plan.tools!.log.finish(call, output))
      }
    }
    let mended = false
    let limit = Number.POSITIVE_INFINITY
    let deadline = Number.POSITIVE_INFINITY
    const fail = (failure: ResumeError) =>
      Effect.suspend(() => {
        const error = isStopped ? new RunCancelled({ threadId, responseId: projection.responseId }) : failure
        span.attribute("error.type", error._tag)
        self.end = error
        // Unless somebody wants its end, an answer in the background goes on and can be gone on with.
        if (!isStopped) isOver = true
        return Effect.fail(Option.some(error))
      })
    const failing = <A, E extends ResumeError>(effect: Effect.Effect<A, E>) => Effect.catchAll(effect, fail)
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
        next = once(Effect.zipRight(pause(delay), Effect.suspend(() => isStopped ? fail(error) : again)))
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
      once(Effect.flatMap(failing(ticket.ready), (writer) => {
        ActiveRuns.add(services.active, self)
        const leave = Scope.addFinalizer(busy, Effect.suspend(() => leaving))
        const begun = from
        if (begun !== undefined) return leave.pipe(Effect.zipRight(lead), Effect.zipRight(rejoin(writer, begun)))
        const message = plan.message === undefined
          ? begin(writer)
          : trying("safe", inSpan(writer.append([plan.message])), () => begin(writer))
        return Effect.zipRight(
          tools === undefined ? leave : Effect.zipRight(leave, Scope.addFinalizer(busy, payOff(writer))),
          message
        )
      }))

    /** Nobody can stop it any more. An answer in the background that nobody wants is cancelled. */
    const leaving = Effect.suspend(() => {
      ActiveRuns.remove(services.active, self)
      return plan.cancelOnStop || isStopped ? cancel : Effect.void
    })

    /** An answer in the background would go on. */
    const cancel = Effect.suspend(() => {
      const { responseId } = projection
      if (!isBackground || isOver || responseId === undefined) return Effect.void
      isOver = true
      return bounded(services.openai.responses.cancel(responseId))
    })

    /** In a fiber of its own: the one that ends the run may be interrupted already. */
    const bounded = (effect: Effect.Effect<unknown, unknown>): Effect.Effect<void> => {
      const done = inSpan(effect).pipe(Effect.timeoutOption(payOffTime), Effect.ignore, Effect.interruptible)
      return Effect.asVoid(Effect.flatMap(Effect.forkDaemon(done), Fiber.await))
    }

    /** Goes on with a run that was begun before. */
    const rejoin = (writer: ThreadStore.Writer, from: From): RunPull => {
      const pay = tools === undefined ? Effect.void : Scope.addFinalizer(busy, payOff(writer))
      return pay.pipe(
        Effect.zipRight(failing(inSpan(writer.turn([])))),
        Effect.flatMap((turn) => goOnFrom({ ...turn, writer }, from))
      )
    }

    const goOnFrom = (turn: Turn, { cursor, response }: From): RunPull => {
      projection.resumeAt(cursor)
      isBlind = true
      isOver = !isOpen(response)
      if (plan.timeout === undefined) return goOnHere(turn, cursor, response)
      return Effect.flatMap(Clock.currentTimeMillis, (now) => {
        limit = deadline = now + Duration.toMillis(plan.timeout!)
        return goOnHere(turn, cursor, response)
      })
    }

    const goOnHere = (turn: Turn, cursor: Cursor, response: Response): RunPull => {
      note(cursor.responseId)
      if (cursor.over) return complete({ ...turn, commit: () => Effect.void }, response)
      const gone = new NotResumable({ runId, why: "foreground" })
      return isBackground ? hearOn(turn, gone) : isOpen(response) ? fail(gone) : conclude(turn, response, gone)
    }

    const note = (responseId: ResponseId | undefined) => {
      if (responseId !== undefined && !self.steps.includes(responseId)) self.steps.push(responseId)
    }

    /**
     * Leaves no call without its output, whatever ended the run. One that is to go on without its reader, and whose process
     * ends, has no end yet: whoever resumes it makes its calls.
     */
    const payOff = (writer: ThreadStore.Writer): Effect.Effect<void> =>
      Effect.suspend(() => {
        const goesOn = isBackground && !plan.cancelOnStop && self.end === undefined
        return owed.size === 0 || goesOn ? Effect.void : bounded(writer.answer(Array.from(owed.values())))
      })

    /** Says that this one drives the run, for as long as it does. */
    const lead = isBackground
      ? Effect.zipRight(
        plan.log.lease(runId, plan.owner, leaseTime),
        Effect.zipRight(
          Scope.addFinalizer(busy, Effect.asVoid(plan.log.lease(runId, plan.owner, Duration.zero))),
          Effect.forkIn(Effect.forever(Effect.delay(plan.log.lease(runId, plan.owner, leaseTime), leaseRenewal)), busy)
        )
      )
      : Effect.void

    const begin = (writer: ThreadStore.Writer): RunPull =>
      Effect.map(Effect.zipRight(lead, Clock.currentTimeMillis), (now) => {
        if (plan.timeout !== undefined) limit = deadline = now + Duration.toMillis(plan.timeout)
        next = plan.approved.size === 0 ? ask(writer, plan.newItems, plan.params) : callApproved(writer)
        return [{
          _tag: "RunStarted" as const,
          ...projection.at(),
          assistantId: plan.assistant.id,
          model: plan.params.model
        }]
      })

    /** The turn is taken anew for each attempt: while the thread was locked, another answer may have got into it. */
    const ask = (
      writer: ThreadStore.Writer,
      newItems: ReadonlyArray<ThreadStore.WireItem>,
      params: Plan["params"]
    ): RunPull => {
      const previous = projection.responseId
      const attempt: Effect.Effect<Opened, RunError> = Effect.gen(function*() {
        if (isStopped) return yield* new RunCancelled({ threadId, responseId: undefined })
        const turn = yield* inSpan(writer.turn(newItems))
        const line = current = yield* Scope.fork(busy, busy.strategy)
        const stream = services.openai.responses.stream({
          ...params,
          ...turn.params,
          ...including(turn.params),
          ...(isBackground ? descent(params, previous) : {})
        })
        const pull = yield* Pull.toOpen(stream).pipe(
          Effect.mapInputContext(forAnswer(line)),
          Effect.catchAll((error) =>
            Effect.zipRight(Scope.close(line, Exit.void), Effect.fail(toRunError(threadId)(error)))
          )
        )
        return { line, pull, turn }
      })
      const opening = (made: ReadonlyArray<ToolSteps.Made>) => Effect.map(attempt, (opened) => ({ ...opened, made }))
      const request = Effect.catchAll(
        opening(noneMade),
        (error) =>
          error._tag === "HistoryRejected" ? Effect.flatMap(inSpan(mend(writer, error)), opening) : Effect.fail(error)
      )
      return Effect.suspend(() => {
        projection.nextStep()
        heard = new Heard(plan.keepPartial)
        isBlind = false
        hasAsked = true
        return trying("once", request, ({ line, made, pull, turn }) => {
          next = read({ ...turn, writer }, pull, line)
          return made.length === 0 ? next : Effect.sync(() => made.map(completed))
        })
      })
    }

    /**
     * What a run that died has left behind is closed, once, and what is known of its calls is told. What still waits for
     * somebody's answer is not closed.
     */
    const mend = (
      writer: ThreadStore.Writer,
      error: HistoryRejected
    ): Effect.Effect<ReadonlyArray<ToolSteps.Made>, RunError> =>
      Effect.gen(function*() {
        if (mended) return yield* error
        mended = true
        const { onPending } = plan
        let made = noneMade
        if (error.why === "orphanCall" && onPending !== "close") {
          const open = yield* writer.openCalls
          const waits = (call: FunctionCall) =>
            tools?.calls.answers(call.name) === true ? tools.calls.needsApproval(call) : Effect.succeed(true)
          if (tools === undefined || (yield* Effect.exists(open, waits))) {
            return yield* new ThreadBusy({ threadId, why: "requires_action" })
          }
          owe(open, unknownOutcome)
          made = yield* Effect.forEach(open, (call) => ToolSteps.recover(tools, call), {
            concurrency: tools.concurrency
          })
          yield* writer.answer(made.map(({ call, outcome }) => ToolSteps.outputOf(call.callId, outcome.output)))
          owed = new Map()
        }
        yield* writer.reconcile
        return made
      })

    /** `line` is the connection, which may be given up before the thread is. */
    const read = (
      turn: Turn,
      pull: Pull.Pull<WireEvent, RequestError>,
      line: Scope.CloseableScope
    ): RunPull => {
      const collect = (wire: ReadonlyArray<WireEvent>): RunPull => {
        const events: Array<RunEvent> = []
        let begun = false
        for (const event of wire) {
          if (!projection.isNew(event)) continue
          projection.project(event, events)
          heard.note(event)
          if (event.type === "response.created") {
            note(projection.responseId)
            isOver = false
            begun = true
          }
        }
        if (events.length > 0) patience = undefined
        if (heard.completed !== undefined) {
          // The answer is there: how long its reader takes is no concern of the limit.
          deadline = Number.POSITIVE_INFINITY
          next = complete(turn, heard.completed)
        } else if (heard.incomplete !== undefined) next = incomplete(turn, heard.incomplete)
        if (begun && isBackground && from?.leader === undefined) return Effect.as(remember, events)
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

    const remember = Effect.suspend(() =>
      projection.responseId === undefined
        ? Effect.void
        : plan.log.step({ threadId, runId, responseId: projection.responseId })
    )

    const failed = ({ payload, requestId }: NonNullable<Heard["failure"]>): RunPull => {
      const error = fromStream(payload, requestId)
      if (error._tag === "RateLimited" || error._tag === "QuotaExceeded" || error._tag === "InvalidRequest") {
        return fail(toRunError(threadId)(error))
      }
      const { responseId } = projection
      return fail(new RunFailed({ threadId, code: streamCode(payload) ?? "unknown", responseId, requestId }))
    }

    /** The stream broke. */
    const lost = (turn: Turn, line: Scope.CloseableScope, error: RequestError): RunPull => {
      if (isStopped) return fail(error)
      if (!isBackground || projection.responseId === undefined) return lookUp(turn, line, error)
      hasLost = true
      return once(
        Scope.close(line, Exit.void).pipe(
          // Not all at once, where many have lost theirs.
          Effect.zipRight(Effect.flatMap(Random.nextIntBetween(0, 250), pause)),
          Effect.zipRight(hearOn(turn, withPartial(error)))
        )
      )
    }

    /**
     * An answer in the background goes on without us: hears on behind what was heard, or waits for its end where that is
     * not possible any more. `lost` is what the run fails with where neither is.
     */
    const hearOn = (turn: Turn, lost: ResumeError): RunPull =>
      once(Effect.suspend(() => {
        if (isStopped) return fail(lost)
        const responseId = projection.responseId!
        const isFirst = patience === undefined
        const { attempts, wait } = patience ??= { attempts: { count: 0 }, wait: waits(policy, "safe") }
        const look = Effect.flatMap(
          Effect.either(
            services.openai.responses.retrieve(responseId, including(turn.params)).pipe(
              // It is tried again here.
              Effect.provideService(RetryPolicy, none),
              inSpan
            )
          ),
          Either.match({
            onLeft: () => again(new ConnectionLost({ phase: "stream", how: "eof", accepted: "unknown" })),
            // Its events can be read after its end too. They tell more than the response, and how much was told before.
            onRight: (response) =>
              isOpen(response) || (response.status === "completed" && attempts.count < maxReadings)
                ? connect
                : conclude(turn, response, lost)
          })
        )
        const connect: RunPull = Effect.gen(function*() {
          const line = current = yield* Scope.fork(busy, busy.strategy)
          const stream = services.openai.responses.resume(responseId, { startingAfter: projection.wire })
          const pull = yield* Effect.either(Effect.mapInputContext(Pull.toOpen(stream), forAnswer(line)))
          if (Either.isRight(pull)) {
            next = read(turn, pull.right, line)
            attempts.count++
            // A reader that comes later has lost nothing.
            return hasLost
              ? [{ _tag: "Reconnected" as const, ...projection.at(), attempt: attempts.count }]
              : yield* next
          }
          yield* Scope.close(line, Exit.void)
          const error = pull.left
          // Without the events of the past there is still the answer as it will be.
          return yield* error._tag === "InvalidRequest" || error._tag === "ResourceNotFound"
            ? untilOver(turn, lost)
            : again(error)
        })
        const again = (error: RequestError): RunPull =>
          Effect.flatMap(
            wait(error),
            Option.match({
              onNone: () => fail(lost),
              onSome: (delay) => Effect.zipRight(pause(delay), hearOn(turn, lost))
            })
          )
        // The first time there is more to hear; later, a stream that tells nothing may be the end of one.
        return isFirst ? connect : look
      }))

    const untilOver = (turn: Turn, lost: ResumeError): RunPull =>
      Effect.suspend(() => {
        if (isStopped) return fail(lost)
        const look = inSpan(services.openai.responses.retrieve(projection.responseId!, including(turn.params)))
        return Effect.matchEffect(look, {
          onFailure: (error) =>
            fail(error._tag === "ResourceNotFound" ? new NotResumable({ runId, why: "gone" }) : lost),
          onSuccess: (response) =>
            isOpen(response)
              ? Effect.zipRight(pause(pollTime), untilOver(turn, lost))
              : conclude(turn, response, lost)
        })
      })

    /** How an answer ended that was not heard to its end. */
    const conclude = (turn: Turn, response: Response, otherwise: ResumeError): RunPull =>
      Effect.suspend(() => {
        isOver = true
        switch (response.status) {
          case "completed":
            return Effect.zipRight(
              failing(inSpan(turn.settle === undefined ? Effect.void : turn.settle(response))),
              finish(turn, response)
            )
          case "incomplete":
            return incomplete(turn, { response, requestId: undefined })
          case "failed":
            return failed({ payload: response.error, requestId: undefined })
          case "cancelled":
            return fail(new RunCancelled({ threadId, responseId: projection.responseId }))
          default:
            return fail(otherwise)
        }
      })

    /** The server knows how the answer ended, and whether it is in the thread. */
    const lookUp = (turn: Turn, line: Scope.CloseableScope, error: RequestError): RunPull =>
      once(Effect.gen(function*() {
        const { responseId } = projection
        const { settle } = turn
        if (settle === undefined || responseId === undefined) return yield* fail(withPartial(error))
        const look = services.openai.responses.retrieve(responseId, including(turn.params))
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
    const finish = (turn: Turn, response: Response): RunPull =>
      Effect.sync(() => {
        const events: Array<RunEvent> = []
        for (const event of heard.rest(response, isBlind || projection.hasGaps)) projection.project(event, events)
        projection.project({ type: "response.completed", response } as WireEvent, events)
        deadline = Number.POSITIVE_INFINITY
        next = complete({ ...turn, commit: () => Effect.void }, response)
        return events
      })

    const incomplete = (
      turn: Turn,
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

    const complete = (turn: Turn, response: Response): RunPull =>
      once(Effect.gen(function*() {
        if (response.status === "cancelled") {
          return yield* fail(new RunCancelled({ threadId, responseId: projection.responseId }))
        }
        yield* failing(inSpan(turn.commit(response)))
        isOver = true
        owed = new Map()
        const step: Outcome = outcome(response)
        if (step.pending.length === 0) return yield* over(step)
        if (from?.leader !== undefined) return yield* follow(from.leader, turn, response, step)
        if (!hasAsked) {
          // Whoever drove the run before may have gone on.
          const following = yield* ActiveRuns.stepAfter(plan.log, runId, projection.responseId!)
          if (following !== undefined) {
            return yield* goOnWith(following, turn, step, (call) => ActiveRuns.outputOf(plan.log, threadId, call))
          }
        }
        return yield* tools === undefined ? over(step) : act(turn.writer, tools, step)
      }))

    /** Reads along with the one who drives the run: waits for the next step, or the end. */
    const follow = (leader: ActiveRuns.Leader, turn: Turn, response: Response, step: Outcome): RunPull =>
      Effect.gen(function*() {
        for (;;) {
          const ended = yield* leader.end
          const following = yield* leader.after(projection.responseId!)
          if (following !== undefined) return yield* goOnWith(following, turn, step, leader.outputOf)
          if (ended === "abandoned") {
            // Its place is free, and the calls of this step are still to be made.
            from = { cursor: projection.here(), response, before, leader: undefined }
            return yield* (next = enter)
          }
          if (ended === "interrupted") {
            return yield* fail(new RunCancelled({ threadId, responseId: projection.responseId }))
          }
          if (ended !== undefined) {
            return yield* ended._tag === "RunCompleted" ? over({ ...step, pending: ended.pending }) : fail(ended)
          }
          yield* Effect.sleep(followTime)
        }
      })

    /** The next step has begun: its calls are told, and it is read from its beginning. */
    const goOnWith = (
      following: ResponseId,
      turn: Turn,
      step: Outcome,
      outputOf: ActiveRuns.Leader["outputOf"]
    ): RunPull =>
      Effect.gen(function*() {
        const calls = step.pending.flatMap((one) => one._tag === "PendingCall" ? [one.call] : [])
        const made = (yield* Effect.forEach(calls, outputOf)).filter((one) => one !== undefined)
        before = add(step)
        const events = made.map(completed)
        projection.nextKnown(following)
        note(following)
        heard = new Heard(plan.keepPartial)
        isBlind = false
        patience = undefined
        next = hearOn(turn, new NotResumable({ runId, why: "gone" }))
        return events.length > 0 ? events : yield* next
      })

    const add = (step: Outcome): Lineage.Before => ({
      usage: sum(before.usage, step.usage),
      messages: [...before.messages, ...step.messages]
    })

    /** The lock is given back before the reader hears of the end, so that its next write is not refused. */
    const over = (step: Outcome): RunPull =>
      Effect.gen(function*() {
        const result = { ...step, ...add(step) }
        const output = plan.decode === undefined || step.status === "requires_action"
          ? undefined
          : yield* failing(plan.decode(step))
        const last = {
          _tag: "RunCompleted" as const,
          ...projection.at(),
          ...result,
          ...(output === undefined ? {} : { output })
        }
        self.end = last
        yield* Scope.close(busy, Exit.void)
        next = end
        return [last]
      })

    /** Does what the program can do of what the model asks for, and asks again once all of it is done. */
    const act = (writer: ThreadStore.Writer, tools: ToolSteps.Tools, step: Outcome): RunPull =>
      once(Effect.gen(function*() {
        const isRejoined = !hasAsked
        const asked = isRejoined ? yield* unanswered(writer, step.pending) : step.pending
        const { calls, left, tasks } = yield* ToolSteps.share(
          tools,
          asked,
          isRejoined ? ToolSteps.resume : ToolSteps.make
        )
        if (!isRejoined) yield* ToolSteps.intend(tools, calls)
        owe(calls, ToolSteps.notCarriedOut("the run ended before"))
        before = add(step)
        if (tasks.length === 0) return yield* over({ ...step, pending: left, usage: noUsage, messages: [] })
        if (projection.steps >= tools.maxSteps) {
          owe(calls, ToolSteps.notCarriedOut("the run has reached its last step"))
          return yield* fail(new TooManySteps({ threadId, maxSteps: tools.maxSteps }))
        }
        deadline = limit
        return yield* callAll(writer, tools, step, { tasks, left, items: [] })
      }))

    /** Those that nobody has answered meanwhile. Where all are answered, somebody has gone on. */
    const unanswered = (
      writer: ThreadStore.Writer,
      pending: ReadonlyArray<Pending>
    ): Effect.Effect<ReadonlyArray<Pending>, Option.Option<ResumeError>> =>
      Effect.flatMap(failing(inSpan(writer.openCalls)), (open) => {
        const ids = new Set(open.map(({ callId }) => callId))
        const left = pending.filter((one) => one._tag === "PendingApproval" || ids.has(one.call.callId))
        return left.length === 0 ? fail(new NotResumable({ runId, why: "nextStep" })) : Effect.succeed(left)
      })

    /** Makes the calls that somebody has approved meanwhile, whichever process they waited for. */
    const callApproved = (writer: ThreadStore.Writer): RunPull =>
      once(Effect.gen(function*() {
        const open = yield* failing(inSpan(writer.openCalls))
        const calls = open.filter(({ callId, name }) =>
          plan.approved.has(callId) && tools?.calls.answers(name) === true
        )
        if (tools === undefined || calls.length < plan.approved.size) {
          return yield* fail(
            new InvalidInput({
              field: "answers",
              reason: "a call that is approved does not wait in this thread, or no tool of the toolkit has its name"
            })
          )
        }
        yield* ToolSteps.intend(tools, calls)
        owe(calls, ToolSteps.notCarriedOut("the run ended before"))
        const tasks = calls.map((call) => ToolSteps.make(tools, call))
        return yield* callAll(writer, tools, nothing, { tasks, left: [], items: [...plan.newItems] })
      }))

    /** Calls several tools at once. */
    const callAll = (
      writer: ThreadStore.Writer,
      tools: ToolSteps.Tools,
      step: Outcome,
      { items, left, tasks }: Pick<Work, "items" | "left"> & {
        readonly tasks: ReadonlyArray<Effect.Effect<ToolSteps.Done>>
      }
    ): RunPull =>
      Effect.gen(function*() {
        const done = calling = yield* Queue.unbounded<ToolSteps.Done | undefined>()
        const working = yield* Scope.fork(busy, busy.strategy)
        const offered = Effect.forEach(tasks, (task) => Effect.flatMap(task, (one) => Queue.offer(done, one)), {
          concurrency: tools.concurrency,
          discard: true
        })
        yield* Effect.forkIn(inSpan(offered), working)
        return yield* (next = work(writer, tools, step, { done, left, items, size: tasks.length }))
      })

    const owe = (calls: ReadonlyArray<FunctionCall>, why: string) => {
      owed = new Map(calls.map((call) => [call.callId, ToolSteps.outputOf(call.callId, why)]))
    }

    const completed = ({ call, outcome }: ToolSteps.Made): RunEvent => ({
      _tag: "ToolCallCompleted",
      ...projection.at(),
      itemId: call.id,
      callId: call.callId,
      name: call.name,
      arguments: call.arguments,
      output: outcome.output,
      isFailure: outcome.isFailure,
      result: outcome.result,
      ...(outcome.cause === undefined ? {} : { cause: outcome.cause })
    })

    /** Tells of each call as it is done. */
    const work = (writer: ThreadStore.Writer, tools: ToolSteps.Tools, step: Outcome, state: Work): RunPull => {
      const again: RunPull = Effect.flatMap(Queue.takeBetween(state.done, 1, state.size), (chunk) => {
        const events: Array<RunEvent> = []
        for (const one of chunk) {
          // The run is to end.
          if (one === undefined) return fail(new RunCancelled({ threadId, responseId: projection.responseId }))
          state.size--
          if (!("call" in one)) {
            state.items.push(one.item)
            continue
          }
          const { call, outcome } = one
          owed.set(call.callId, ToolSteps.outputOf(call.callId, outcome.output))
          self.outputs.set(call.callId, one)
          if (outcome.failure !== undefined) {
            state.failure ??= fail(
              new ToolFailed({ threadId, name: call.name, callId: call.callId, failure: outcome.failure.error })
            )
          } else if (outcome.cause !== undefined && tools.onDefect === "fail") {
            state.failure ??= Effect.die(Cause.squash(outcome.cause))
          }
          events.push(completed(one))
        }
        if (state.size === 0) calling = undefined
        next = state.size > 0 ? again : goOn(writer, step, state)
        return events.length > 0 ? Effect.succeed(events) : next
      })
      return again
    }

    /** Everything that could be done is done. */
    const goOn = (writer: ThreadStore.Writer, step: Outcome, state: Work): RunPull =>
      once(Effect.gen(function*() {
        const items = [...owed.values(), ...state.items]
        if (state.failure !== undefined || state.left.length > 0) {
          // Its outputs are in the thread before anybody hears of it.
          yield* failing(inSpan(writer.answer(items)))
          owed = new Map()
          return yield* state.failure ?? over({ ...step, pending: state.left, usage: noUsage, messages: [] })
        }
        const { tool_choice: choice, ...params } = plan.params
        // A choice that was forced would force a call in every step. Source: openai-agents-python#263.
        return yield* (next = ask(writer, items, choice === "none" ? plan.params : params))
      }))

    const descent = ({ metadata }: Plan["params"], previous: ResponseId | undefined) => ({
      metadata: { ...metadata, ...Lineage.encode({ run: runId, assistant: plan.assistant.id, previous }) }
    })

    /** What the run asks for and what the store needs. */
    const including = ({ include = [] }: ThreadStore.Turn["params"]) => {
      const all = [...plan.params.include ?? [], ...include ?? []]
      return all.length === 0 ? {} : { include: all }
    }

    const tooLong = () => {
      span.attribute("error.type", "TimedOut")
      return withPartial(new TimedOut({ phase: "total" }))
    }

    /** What was told of this step before is not known, so that its texts come whole where they cannot be heard on. */
    let isBlind = false
    /** This reader's own connection broke. */
    let hasLost = false
    /** How often it was tried in vain to hear on. */
    let patience: { readonly attempts: { count: number }; readonly wait: ReturnType<typeof waits> } | undefined
    let next: RunPull = from?.leader === undefined ? enter : once(goOnFrom(readingAlong, from))
    return Effect.suspend(() => deadline === Number.POSITIVE_INFINITY ? next : Pull.until(next, deadline, tooLong))
  })
