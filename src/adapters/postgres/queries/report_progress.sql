update jobs
set stage = $4,
    done = $5,
    total = $6,
    lease_until = now() + make_interval(secs => $7)
where id = $1 and worker = $2 and attempts = $3 and state = 'running'
