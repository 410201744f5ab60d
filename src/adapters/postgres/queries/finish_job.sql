update jobs
set state = 'succeeded',
    stage = 'done',
    done = total,
    worker = null,
    lease_until = null,
    error = null,
    finished_at = now()
where id = $1 and worker = $2 and attempts = $3 and state = 'running'
