select node.hash as "hash?"
from unnest($1::bigint[]) with ordinality as wanted (position, nth)
left join audit.node using (position)
order by wanted.nth
