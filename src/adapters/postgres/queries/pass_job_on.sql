-- Back into the queue, in the lane of vectors and with all its attempts: what was done until now is stored.
update jobs
set state = 'ready',
    lane = 'vectors',
    stage = 'embed',
    done = $4,
    total = $5,
    attempts = 0,
    run_at = now(),
    worker = null,
    lease_until = null,
    error = null
where id = $1 and worker = $2 and attempts = $3 and state = 'running'
