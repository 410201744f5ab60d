-- Back into the queue, in another lane or behind the others of this one, with all its attempts: what was done until now is
-- stored.
update jobs
set state = 'ready',
    lane = $4,
    stage = $5,
    done = $6,
    total = $7,
    attempts = 0,
    run_at = now(),
    worker = null,
    lease_until = null,
    error = null
where id = $1 and worker = $2 and attempts = $3 and state = 'running'
