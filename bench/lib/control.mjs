// Asks the server what it knows. Not by `fetch`, whose connections are the contestants'.
import { get } from "node:http"

export const ask = (server, path) =>
  new Promise((resolve, reject) => {
    get(`${server}/control/${path}`, { agent: false }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (text) => {
        body += text
      })
      response.on("end", () => resolve(JSON.parse(body)))
    }).on("error", reject)
  })
