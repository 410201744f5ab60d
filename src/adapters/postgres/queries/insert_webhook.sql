insert into webhooks (id, url, secret, collection_ids, events, created_by, created_at)
select $1, $2, $3, $4, $5, $6, $7
where $8 > (select count(*) from webhooks)
