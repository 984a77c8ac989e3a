/** A rating of 0 to 5, as stars for the eye and in words. */
export function Stars({ rating }: { readonly rating: number }) {
  const full = Math.max(0, Math.min(5, Math.round(rating)))
  return (
    <span class="stars">
      <span aria-hidden="true">{'★'.repeat(full).padEnd(5, '☆')}</span>
      <span class="unseen">{rating} of 5 stars</span>
    </span>
  )
}
