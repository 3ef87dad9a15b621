// The sign-in form, shown while the browser has no valid cookie.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { isSignedOut, type Problem, problemOf, tell } from "../api.ts";
import { Trouble } from "../parts/words.tsx";

export function SignIn() {
  const problem = useSignal<Problem | undefined>(undefined);
  const field = useRef<HTMLInputElement>(null);
  const show = async () => {
    try {
      await tell("api/session", { token: field.current?.value.trim() ?? "" });
      isSignedOut.value = false;
    } catch (error) {
      problem.value = problemOf(error);
    }
  };
  return (
    <main class="sign-in">
      <h1>queuectl</h1>
      <p>
        Open the address that <code>queuectl serve</code>{" "}
        printed: it works once. Or enter the token that <code>queuectl serve --print-token</code>
        {" "}
        prints.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void show();
        }}
      >
        <label>
          <span>Token</span>
          <input ref={field} type="password" autofocus autocomplete="current-password" required />
        </label>
        <button type="submit" class="main">Sign in</button>
      </form>
      <Trouble problem={problem.value} />
    </main>
  );
}
