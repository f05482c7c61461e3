/** One run while it goes on: what its stages know together, and what all of them do in the same way. */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberId from "effect/FiberId"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type { Response } from "openai/resources/responses/responses"
import { ConnectionLost, type RequestError, TimedOut } from "../../OpenAIError.ts"
import type { Policy } from "../../RetryPolicy.ts"
import { type ResumeError, RunCancelled, type RunError } from "../../RunError.ts"
import { none } from "../../RunLog.ts"
import type { ResponseId, RunId, ThreadId } from "../../Thread.ts"
import { ThreadBusy } from "../../ThreadError.ts"
import type { Limits } from "../../Timeouts.ts"
import type * as ActiveRuns from "../activeRuns.ts"
import { Heard } from "../heard.ts"
import type * as Lineage from "../lineage.ts"
import { isOpen, noUsage, Projection, sum } from "../projection.ts"
import * as Pull from "../pull.ts"
import type { waits } from "../retry.ts"
import { toRunError } from "../threadErrors.ts"
import type * as ToolSteps from "../toolSteps.ts"
import { withContext } from "../withContext.ts"
import { Owed } from "./owed.ts"
import type { From, Outcome, Plan, RunPull, Services, Turn } from "./plan.ts"

/** What is done in files that know this one, so that it cannot import them: `loop.ts` hands it to the run. */
export interface Loop {
  /** The stage that takes the lock of the thread. */
  readonly enter: (run: RunState) => RunPull
  /** The stage after the answer of a step is there. */
  readonly complete: (run: RunState, turn: Turn, response: Response) => RunPull
  /** What whoever wants the run to end does. */
  readonly stop: (run: RunState) => Effect.Effect<void, RequestError>
}

export class RunState {
  readonly plan: Plan
  readonly services: Services
  readonly loop: Loop
  readonly span: Tracer.Span
  readonly policy: Policy
  readonly limits: Limits
  /** What is given back before `RunCompleted`: the lock and the connection. */
  readonly busy: Scope.CloseableScope
  readonly projection: Projection
  readonly isBackground: boolean
  readonly owed = new Owed()
  readonly tools: ToolSteps.Tools | undefined
  /** The run as others see it, who follow it or want it to end. */
  readonly self: ActiveRuns.ActiveRun

  /** Whoever reads it reads it to its end, in one piece. */
  isDrained = false
  /** What the next pull does. */
  next: RunPull = Pull.end
  /** When the run has to be over, in milliseconds of the Clock. The deadline is off while its reader has the answer. */
  limit = Number.POSITIVE_INFINITY
  deadline = Number.POSITIVE_INFINITY

  /** Where the run goes on, if it was begun before. */
  from: From | undefined
  /** What the steps before this one came to. */
  before: Lineage.Before
  /** This run, and not one before it, has asked the model. */
  hasAsked = false
  /** What a run that died has left in the thread is closed once. */
  hasMended = false

  /** What was heard of the answer that is read. */
  heard: Heard
  /** What was told of this step before is not known, so that its texts come whole where they cannot be heard on. */
  isBlind = false
  /** This reader's own connection broke. */
  hasLost = false
  /** How often it was tried in vain to hear on. */
  patience: { readonly attempts: { count: number }; readonly wait: ReturnType<typeof waits> } | undefined
  /** The connection of the answer that is read, and whether the answer has its end. */
  endLine: ((exit: Exit.Exit<unknown, unknown>) => Effect.Effect<void>) | undefined
  isOver = true

  /** Its reader could not hear on, but its answer goes on in the background, and takes what was sent with it along. */
  goesOn = false

  /** What a log was asked for in its name, and whether it is its own. */
  readonly leases = new Map<RunId | ThreadId, boolean>()
  /** How long they are its own. */
  leading: Scope.CloseableScope | undefined
  /** With what the run that has the thread could not be ended, that was to end for this one. */
  notEnded: RequestError | undefined
  /** Another process drives the run by now: this one neither ends nor answers anything any more. */
  isOusted = false
  /** Somebody else wants the run to end. */
  readonly stopped = Deferred.unsafeMake<void>(FiberId.none)

  constructor(
    plan: Plan,
    services: Services,
    loop: Loop,
    around: {
      readonly span: Tracer.Span
      readonly policy: Policy
      readonly limits: Limits
      readonly busy: Scope.CloseableScope
    }
  ) {
    this.plan = plan
    this.services = services
    this.loop = loop
    this.span = around.span
    this.policy = around.policy
    this.limits = around.limits
    this.busy = around.busy
    this.projection = new Projection(plan.runId, plan.threadId)
    this.isBackground = plan.params.background === true
    this.tools = plan.tools === undefined ? undefined : this.owed.follow(plan.tools)
    this.from = plan.from
    this.before = plan.from?.before ?? { usage: noUsage, messages: [] }
    this.heard = new Heard(plan.keepPartial)
    this.self = {
      owner: plan.owner,
      runId: plan.runId,
      threadId: plan.threadId,
      steps: [],
      outputs: new Map(),
      leases: this.leases,
      end: undefined,
      hasTurn: false,
      isStopped: false,
      isAbandoned: false,
      stop: Effect.suspend(() => loop.stop(this))
    }
    if (plan.from !== undefined) this.#goOn(plan.from)
  }

  #goOn({ cursor, response, steps }: From): void {
    this.projection.resumeAt(cursor)
    this.self.steps.push(...steps)
    this.note(cursor.responseId)
    this.isOver = !isOpen(response)
  }

  get isStopped(): boolean {
    return this.self.isStopped
  }

  /** Whether other processes can know of the run. */
  get isRemembered(): boolean {
    return this.plan.log !== none
  }

  /** A stage that was interrupted or has failed is not done again: it may have written, or asked the model. */
  once(stage: RunPull): RunPull {
    return Effect.suspend(() => {
      this.next = this.cancelled
      return this.inSpan(stage)
    })
  }

  fail(failure: ResumeError): Effect.Effect<never, Option.Option<ResumeError>> {
    return Effect.suspend(() => {
      const error = this.isStopped ? this.cancellation : this.#because(failure)
      this.span.attribute("error.type", error._tag)
      this.self.end = error
      // Unless somebody wants its end, an answer in the background goes on and can be gone on with.
      if (!this.isStopped) {
        this.goesOn = this.isBackground && !this.isOver
        this.isOver = true
      }
      return Effect.fail(Option.some(error))
    })
  }

  /** Why the thread is busy still, where that is known. */
  #because(failure: ResumeError): ResumeError {
    const { notEnded } = this
    return notEnded !== undefined && failure._tag === "ThreadBusy" &&
        (failure.why === "deadline" || failure.why === "locked")
      ? new ThreadBusy({ ...failure, cause: notEnded })
      : failure
  }

  /** The run fails with what the effect fails with. */
  failing<A, E extends ResumeError>(effect: Effect.Effect<A, E>): Effect.Effect<A, Option.Option<ResumeError>> {
    return Effect.catchAll(effect, (error) => this.fail(error))
  }

  /** Around calls, which are given up where somebody wants the run to end. */
  unlessStopped<A, E>(calls: Effect.Effect<A, E>): Effect.Effect<A, E | RunCancelled | ThreadBusy> {
    return Effect.catchAllCause(
      calls,
      (cause): Effect.Effect<never, E | RunCancelled | ThreadBusy> =>
        this.isStopped ? Effect.fail(this.cancellation) : Effect.failCause(cause)
    )
  }

  readonly cancelled: RunPull = Effect.suspend(() => this.fail(this.cancellation))

  /** Why a run ends that somebody else has stopped. */
  get cancellation(): RunCancelled | ThreadBusy {
    const { runId, threadId } = this.plan
    return this.isOusted
      ? new ThreadBusy({ threadId, why: "running", runId })
      : new RunCancelled({ threadId, responseId: this.projection.responseId })
  }

  /** Fails when the run is at its deadline. */
  inTime(pull: RunPull): RunPull {
    return this.deadline === Number.POSITIVE_INFINITY ? pull : Pull.until(pull, this.deadline, () => {
      this.span.attribute("error.type", "TimedOut")
      const error = this.withPartial(new TimedOut({ phase: "total" }))
      // Whoever only goes on with a run does not end it.
      if (this.plan.from === undefined) this.self.end = error
      return error
    })
  }

  /** What comes after an answer counts against the limit again. */
  limited(pull: RunPull): RunPull {
    return Effect.suspend(() => {
      this.deadline = this.limit
      return this.inTime(pull)
    })
  }

  /** With the text that had arrived. */
  withPartial(error: RequestError): RunError {
    const { keepPartial, threadId } = this.plan
    return keepPartial && error._tag === "ConnectionLost"
      ? new ConnectionLost({ ...error, partial: this.heard.partial })
      : keepPartial && error._tag === "TimedOut"
      ? new TimedOut({ ...error, partial: this.heard.partial })
      : toRunError(threadId)(error)
  }

  /** Ends the connection of the answer that is read. */
  hangUp(exit: Exit.Exit<unknown, unknown> = Exit.void): Effect.Effect<void> {
    return this.endLine?.(exit) ?? Effect.void
  }

  /** Around each stage, since it may make requests, or around all of them at once. */
  readonly inSpan = withContext((context) => {
    if (context.unsafeMap.get(Tracer.ParentSpan.key) === this.span) return context
    // The stages of a run have the same reader most of the time.
    if (this.#around?.reader !== context) {
      this.#around = { reader: context, run: Context.add(context, Tracer.ParentSpan, this.span) }
    }
    return this.#around.run
  })
  #around: { readonly reader: Context.Context<never>; readonly run: Context.Context<Tracer.ParentSpan> } | undefined

  /** Another answer begins: nothing of it was heard yet. */
  hearAnew(): void {
    this.heard = new Heard(this.plan.keepPartial)
    this.isBlind = false
    this.patience = undefined
  }

  /** Tells those who follow that a step has begun. */
  note(responseId: ResponseId | undefined): void {
    const { steps } = this.self
    if (responseId !== undefined && !steps.includes(responseId)) steps.push(responseId)
  }

  /** What the steps come to together with this one. */
  upTo(step: Outcome): Lineage.Before {
    return {
      usage: sum(this.before.usage, step.usage),
      messages: [...this.before.messages, ...step.messages]
    }
  }
}
