// The least that can be done: the bytes are read, nothing is parsed.
export const connect = (baseUrl) => async ({ signal }) => {
  const response = await fetch(`${baseUrl}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer sk-bench" },
    body: JSON.stringify({ model: "bench", input: "go", stream: true }),
    signal
  })
  const reader = response.body.getReader()
  while (!(await reader.read()).done);
}
