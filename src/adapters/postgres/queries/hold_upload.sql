update uploads
set holder = $3,
    held_until = now() + make_interval(secs => $4)
where id = $1
    and owner_id = $2
    and expires_at > now()
    and (held_until is null or held_until < now())
returning id
