-- One kind of request for wrk, again and again: script arguments METHOD LIMIT BODY; at the end one JSON object.
-- A thread that reaches LIMIT requests stops: however fast the answers, their number is bounded.
local sent, limit, message = 0, 0, ""

function init(args)
  wrk.method, limit = args[1], tonumber(args[2])
  if args[3] then
    wrk.body = args[3]
    wrk.headers["Content-Type"] = "application/json"
  end
  message = wrk.format()
end

function request()
  sent = sent + 1
  if sent > limit then wrk.thread:stop() end
  return message
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "microseconds": %d, "failed": %d, "p50": %d, "p99": %d}\n',
    summary.requests, summary.duration, errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
