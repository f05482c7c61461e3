// Figures as Markdown.
const digits = (value) => value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

export const table = (head, rows) => {
  const lines = [head, head.map((_, column) => column === 0 ? "---" : "--:"), ...rows]
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}

export const number = (figure) => figure === undefined ? "n/a" : digits(figure.median)

// With the range over the rounds, which is the noise.
export const ranged = (figure) =>
  figure === undefined ? "n/a" : `${digits(figure.median)} (${digits(figure.least)}–${digits(figure.most)})`
