/**
 * What this library adds to the tools of `@effect/ai`: annotations, and a check that tells before any request what of a
 * toolkit OpenAI would not take.
 *
 * @since 0.1.0
 */
import type * as Tool from "@effect/ai/Tool"
import type * as Toolkit from "@effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import { declare } from "./internal/declare.ts"
import { InvalidInput } from "./OpenAIError.ts"

export {
  /**
   * The call that a handler is made for: its `callId`, and the thread and the run that it belongs to. A call that is made
   * again after its process has died has the same `callId`, which makes it a key for what must not be done twice. Outside
   * of a handler it is undefined.
   *
   * @since 0.1.0
   * @category references
   */
  CurrentCall
} from "./internal/currentCall.ts"

export {
  /**
   * Whether somebody has to be asked before the tool is called: always, or where a function of its decoded parameters says
   * so, or throws. Without the `approve` option the run ends `requires_action`.
   *
   * @since 0.1.0
   * @category annotations
   */
  NeedsApproval,
  /**
   * Whether the parameters are sent in OpenAI's strict mode, in which the model cannot get their shape wrong. By default
   * they are where their schema allows it; `true` makes it an error where it does not, `false` switches it off.
   *
   * @since 0.1.0
   * @category annotations
   */
  Strict,
  /**
   * How long a call may take; then it is interrupted, and the model is told so. By default the run's `toolTimeout`.
   *
   * @since 0.1.0
   * @category annotations
   */
  Timeout
} from "./internal/toolAnnotations.ts"

/**
 * Whether a call may be made; `reason` is told to the model.
 *
 * @since 0.1.0
 * @category models
 */
export interface Approval {
  readonly approve: boolean
  readonly reason?: string | undefined
}

/**
 * How a tool is declared to OpenAI. `notStrict` says why its parameters are not strict.
 *
 * @since 0.1.0
 * @category models
 */
export interface Declared {
  readonly name: string
  readonly wire: { readonly type: string; readonly [key: string]: unknown }
  readonly notStrict?: string | undefined
}

/**
 * How the tools of a toolkit are declared to OpenAI, for a test of the program. Fails with `InvalidInput` where a run
 * would, before any request: a name or a schema that OpenAI does not take, or a tool of another provider.
 *
 * @since 0.1.0
 * @category testing
 */
export const check = (toolkit: Toolkit.Any): Effect.Effect<ReadonlyArray<Declared>, InvalidInput> =>
  Effect.map(declare(toolkit.tools), (tools) =>
    tools.map(({ input, name, wire }) => ({
      name,
      wire,
      ...(input?.notStrict === undefined ? {} : { notStrict: input.notStrict })
    })))

/**
 * Several toolkits as one, each with its own handlers. `Toolkit.merge` of `@effect/ai` lets the last of two tools with one
 * name win; this fails with `InvalidInput`.
 *
 * @since 0.1.0
 * @category combinators
 */
export const merge = <const All extends ReadonlyArray<Record<string, Tool.Any>>>(
  ...toolkits: { readonly [Index in keyof All]: Toolkit.WithHandler<All[Index]> }
): Effect.Effect<
  Toolkit.WithHandler<Toolkit.SimplifyRecord<Toolkit.MergeRecords<All[number]>>>,
  InvalidInput
> =>
  Effect.suspend(() => {
    const all = toolkits as unknown as ReadonlyArray<Toolkit.WithHandler<Record<string, Tool.Any>>>
    const owners = new Map<string, Toolkit.WithHandler<Record<string, Tool.Any>>>()
    for (const toolkit of all) {
      for (const name of Object.keys(toolkit.tools)) {
        if (owners.has(name)) {
          return new InvalidInput({ field: `toolkit.${name}`, reason: "two tools have this name" })
        }
        owners.set(name, toolkit)
      }
    }
    const tools = Object.assign({}, ...all.map((toolkit) => toolkit.tools))
    return Effect.succeed({
      tools,
      handle: (name: string, parameters: never) => owners.get(name)!.handle(name, parameters)
    } as never)
  })
