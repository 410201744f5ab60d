-- Newest first. With $2 those that wait for nobody, the oldest first: two people approved, or a document was deleted.
select
    erasure.erasure_id,
    erasure.scope,
    erasure.subject,
    erasure.reason,
    erasure.asked_by,
    erasure.asked_at,
    erasure.outcome,
    erasure.ended_at,
    array(
        select approval.approver from audit.approval
        where approval.erasure_id = erasure.erasure_id
        order by approval.approved_at
    ) as "approved_by!"
from audit.erasure
where ($1::uuid is null or erasure.erasure_id = $1)
    and (
        not $2::boolean
        or (
            erasure.outcome is null
            and (
                erasure.asked_by is null
                or (select count(*) from audit.approval where approval.erasure_id = erasure.erasure_id) >= 2
            )
        )
    )
order by case when $2 then erasure.asked_at end, erasure.asked_at desc
limit $3
