-- For wrk: posts the bodies of a folder in turn.
--   wrk ... -s post.lua URL -- CONTENT_TYPE FOLDER COUNT
-- The folder has files 0, 1, ... COUNT-1, each one request's body. Prints one line that
-- bench_ingest reads: requests, what failed, and the latency's median and 99th percentile.
local requests, at = {}, 0

function init(args)
  local type, folder, count = args[1], args[2], tonumber(args[3])
  for i = 0, count - 1 do
    local file = assert(io.open(folder .. "/" .. i, "rb"))
    local body = file:read("*a")
    file:close()
    requests[i] = wrk.format("POST", nil, { ["Content-Type"] = type }, body)
  end
end

function request()
  at = (at + 1) % (#requests + 1)
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format("posted %d %d %d %d", summary.requests, failed, latency:percentile(50),
    latency:percentile(99)))
end
