-- What keeps any content of a scope from being erased: a hold, or the end of its time where that is binding.
with within as (
    select event_id from audit.sealed_within($1, $2, $3) as event_id
)
select
    exists (
        select from within
        inner join audit.entry on entry.event_id = within.event_id
        where audit.is_held(entry)
    ) as "held!",
    (
        select max(sealed.kept_until) from within
        inner join audit.sealed on sealed.event_id = within.event_id
        where sealed.binding and sealed.kept_until > now()
    ) as kept_until
