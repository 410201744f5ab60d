-- $3: a newer version was ready first, so this one is history at once, or still is.
update versions
set visible_since = coalesce(visible_since, now()),
    visible_until = case when $3 then coalesce(visible_until, visible_since, now()) end
where document_id = $1 and number = $2
