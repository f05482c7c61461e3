/** What runs are made with. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Assistants from "../../Assistants.ts"
import { Unsupported } from "../../ThreadError.ts"
import type * as ThreadStore from "../../ThreadStore.ts"
import type { Services as OfTheLoop } from "../runLoop/plan.ts"

export interface Services extends OfTheLoop {
  readonly assistants: Assistants.Service
  /** Where runs go on that nobody reads any more. */
  readonly scope: Scope.Scope
}

export const supportsBackground = ({ capabilities }: ThreadStore.Service): Effect.Effect<void, Unsupported> =>
  capabilities.background ? Effect.void : Effect.fail(new Unsupported({ capability: "background" }))
