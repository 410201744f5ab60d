-- How many entries, and the newest checkpoint: both of one moment.
select
    coalesce((select max(leaf_index) + 1 from audit.entry), 0) as "entries!",
    newest.size as "size?",
    newest.root as "root?",
    newest.note as "note?"
from (values (true)) as one
left join lateral (select size, root, note from audit.checkpoint order by size desc limit 1) as newest on true
