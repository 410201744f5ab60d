-- Dead runs that left nothing open; their intents need not be looked through again.
delete from service_boots
where service_boots.boot <> $1
    and (
        service_boots.seen_at < now() - make_interval(secs => $3)
        or (service_boots.node = $2
            and service_boots.started_at
                < coalesce((select own.started_at from service_boots own where own.boot = $1), now()))
    )
    and not exists (
        select from audit.entry intent
        where intent.boot = service_boots.boot
            and audit.is_intent(intent.kind)
            and not exists (
                select from audit.entry outcome
                where outcome.reference = intent.event_id and audit.is_outcome(outcome.kind)
            )
    )
