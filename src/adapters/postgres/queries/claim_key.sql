insert into idempotency_keys (user_id, key, request, holder, held_until, expires_at)
values ($1, $2, $3, $4, now() + make_interval(secs => $5), now() + make_interval(secs => $6))
on conflict (user_id, key) do update
set request = excluded.request,
    holder = excluded.holder,
    held_until = excluded.held_until,
    fingerprint = null,
    status = null,
    media_type = null,
    body = null,
    expires_at = excluded.expires_at
where (idempotency_keys.status is null and idempotency_keys.held_until < now())
    or idempotency_keys.expires_at < now()
