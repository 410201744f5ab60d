-- Users take turns in each lane ($4): first who waits the longest since a job of theirs was taken, then the oldest of
-- theirs. A user whom another worker is just serving is passed over, also one who was served since this statement began;
-- $3 takes any job, for when nobody else waits.
with recursive waiting as (
    -- One look into the index for each user.
    (
        select jobs.requested_by
        from jobs
        where jobs.state = 'ready' and jobs.lane = $4 and jobs.run_at <= now()
        order by jobs.requested_by
        limit 1
    )
    union all
    select (
        select jobs.requested_by
        from jobs
        where jobs.state = 'ready'
            and jobs.lane = $4
            and jobs.run_at <= now()
            and jobs.requested_by > waiting.requested_by
        order by jobs.requested_by
        limit 1
    )
    from waiting
    where waiting.requested_by is not null
),
turn as (
    select user_id
    from turns
    where not $3
        and lane = $4
        and user_id in (select requested_by from waiting)
        and served_at < statement_timestamp()
    order by served_at, user_id
    for update skip locked
    limit 1
),
next as (
    select id, requested_by
    from jobs
    where state = 'ready'
        and lane = $4
        and run_at <= now()
        and ($3 or requested_by = (select user_id from turn))
    order by run_at, id
    for update skip locked
    limit 1
),
claimed as (
    update jobs
    set state = 'running',
        stage = case lane when 'words' then 'queued' else stage end,
        done = case lane when 'words' then 0 else done end,
        total = case lane when 'words' then 0 else total end,
        attempts = attempts + 1,
        worker = $1,
        lease_until = now() + make_interval(secs => $2)
    from next
    where jobs.id = next.id
    returning
        jobs.id, jobs.document_id, jobs.version, jobs.attempts, jobs.max_attempts, jobs.begins, jobs.redo,
        jobs.requested_by, jobs.stage, jobs.done, jobs.total
),
served as (
    update turns
    set served_at = clock_timestamp()
    from claimed
    where turns.user_id = claimed.requested_by and turns.lane = $4
)
update versions
set status = case when claimed.redo then versions.status else 'processing' end
from claimed
where versions.document_id = claimed.document_id and versions.number = claimed.version
returning
    claimed.id,
    claimed.document_id,
    claimed.version,
    claimed.attempts,
    claimed.max_attempts,
    claimed.begins,
    claimed.redo,
    claimed.stage,
    claimed.done,
    claimed.total,
    versions.collection_id,
    versions.sha256,
    versions.file_name,
    versions.given_title,
    versions.password,
    versions.visible_since
