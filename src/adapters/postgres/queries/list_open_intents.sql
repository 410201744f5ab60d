-- Dead: silent for too long, or an earlier run of this very node.
select intent.event_id, intent.actor, intent.recorded_at
from service_boots
join audit.entry intent on intent.boot = service_boots.boot and audit.is_intent(intent.kind)
where service_boots.boot <> $1
    and (
        service_boots.seen_at < now() - make_interval(secs => $3)
        or (service_boots.node = $2
            and service_boots.started_at
                < coalesce((select own.started_at from service_boots own where own.boot = $1), now()))
    )
    and not exists (
        select from audit.entry outcome
        where outcome.reference = intent.event_id and audit.is_outcome(outcome.kind)
    )
order by intent.leaf_index
limit 1000
