select exists (
    select 1
    from jobs
    join jobs as this
        on this.id = $1
        and this.lane = jobs.lane
        and this.requested_by <> jobs.requested_by
    where jobs.state = 'ready' and jobs.run_at <= now()
) as "wait!"
